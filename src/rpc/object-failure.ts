import { RegistryError } from '../oci/errors.ts';

/**
 * What a call of a Durable Object threw, for its `catch`. A failure of the platform between here and
 * the object is one that a repeated request may not meet; a fault in the object's own code, or in the
 * call, is ours.
 * https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 *
 * @throws UNAVAILABLE, or what was thrown
 */
export function failObject(thrown: unknown): never {
  const { retryable, overloaded, remote, name } = thrown as Partial<ObjectError>;
  if (retryable || overloaded || (!remote && name === 'Error')) {
    console.error('A Durable Object did not answer:', thrown);
    throw new RegistryError('UNAVAILABLE', undefined, { cause: thrown });
  }
  throw thrown;
}

/** What the runtime says of an error of a call. */
interface ObjectError extends Error {
  retryable: boolean;
  overloaded: boolean;
  remote: boolean; // thrown by the object's own code
}
