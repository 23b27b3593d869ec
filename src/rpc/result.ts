import { type ErrorName, RegistryError } from '../oci/errors.ts';

/**
 * How an answer of a Durable Object crosses to its caller: an error class does not survive the way
 * (https://developers.cloudflare.com/workers/runtime-apis/rpc/error-handling/), its parts do.
 */
export type Result<T> =
  | { value: T }
  | { error: ErrorName; message: string; headers: Readonly<Record<string, string>> };

/** Runs in the object: what `work` returned or the {@link RegistryError} that it threw. */
export async function toResult<T>(work: () => Promise<T>): Promise<Result<T>> {
  try {
    return { value: await work() };
  } catch (thrown) {
    if (thrown instanceof RegistryError) {
      const { error, message, headers } = thrown;
      return { error, message, headers };
    }
    throw thrown;
  }
}

/** Runs in the caller: returns or throws what the object did. */
export function fromResult<T>(result: Result<T>): T {
  if ('error' in result) {
    const { error, message, headers } = result;
    throw new RegistryError(error, message, { headers });
  }
  return result.value;
}
