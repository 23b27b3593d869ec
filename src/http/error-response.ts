import { ERRORS, RegistryError } from '../oci/errors.ts';
import { discard } from '../streams/discard.ts';

/**
 * The answer to a request that failed: `{"errors":[{code,message,detail?}]}` with the table's
 * status (distribution-spec v1.1.1 "Error Codes"). Anything but a {@link RegistryError} is a fault
 * of ours: its cause goes to the log and the client learns only that.
 */
export async function toErrorResponse(thrown: unknown, request: Request): Promise<Response> {
  if (request.body !== null && !request.bodyUsed) {
    await discard(request.body);
  }
  const error = thrown instanceof RegistryError ? thrown : unexpected(thrown, request);
  const row: { status: number; code?: string } = ERRORS[error.error];
  const entry = { code: row.code ?? error.error, message: error.message };
  const details = error.details.length === 0 ? [undefined] : error.details;
  const body = JSON.stringify({ errors: details.map((detail) => ({ ...entry, detail })) });
  const headers = { 'Content-Type': 'application/json', ...error.headers };
  return new Response(request.method === 'HEAD' ? null : body, { status: row.status, headers });
}

function unexpected(thrown: unknown, request: Request): RegistryError {
  console.error(`${request.method} ${new URL(request.url).pathname} failed:`, thrown);
  return new RegistryError('UNKNOWN');
}
