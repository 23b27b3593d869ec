import { ERRORS, type ErrorRow, RegistryError } from '../oci/errors.ts';

/**
 * The answer to a request that failed: `{"errors":[{code,message,detail?}]}` with the table's
 * status (distribution-spec v1.1.1 "Error Codes"). Anything but a {@link RegistryError} is a fault
 * of ours: its cause goes to the log and the client learns only that.
 */
export function toErrorResponse(thrown: unknown, request: Request): Response {
  const error = thrown instanceof RegistryError ? thrown : unexpected(thrown, request);
  const row: ErrorRow = ERRORS[error.error];
  const entry = { code: row.code ?? error.error, message: error.message };
  const details = error.details.length === 0 ? [undefined] : error.details;
  const body = JSON.stringify({ errors: details.map((detail) => ({ ...entry, detail })) });
  const headers = new Headers({ 'Content-Type': 'application/json', ...error.headers });
  if (row.retryAfter !== undefined && !headers.has('Retry-After')) {
    headers.set('Retry-After', String(row.retryAfter));
  }
  return new Response(request.method === 'HEAD' ? null : body, { status: row.status, headers });
}

function unexpected(thrown: unknown, request: Request): RegistryError {
  console.error(`${request.method} ${new URL(request.url).pathname} failed:`, thrown);
  return new RegistryError('UNKNOWN');
}
