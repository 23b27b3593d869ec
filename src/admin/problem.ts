import { ERRORS, type ErrorRow, RegistryError } from '../oci/errors.ts';

/** One thing that is wrong with what was sent: where (a JSON pointer, or a query parameter), and what. */
export interface InputProblem {
  pointer?: string;
  parameter?: string;
  detail: string;
}

/** What was sent is not what the row's schema says. */
export class InputError extends RegistryError {
  readonly problems: readonly InputProblem[];

  constructor(problems: readonly InputProblem[]) {
    super('ACCOUNT_INVALID', 'what was sent is not what this endpoint takes; see errors');
    this.problems = problems;
  }
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/**
 * The answer of the API to a request that failed, by RFC 9457. `code` is the name of the row of the
 * table of errors. Anything but a {@link RegistryError} is a fault of ours, whose cause goes to the
 * log.
 */
export function toProblem(thrown: unknown, request: Request): Response {
  const error = thrown instanceof RegistryError ? thrown : unexpected(thrown, request);
  const row: ErrorRow = ERRORS[error.error];
  const body = JSON.stringify({
    type: 'about:blank',
    title: TITLES[row.status] ?? 'Error',
    status: row.status,
    code: error.error,
    detail: error.message,
    ...(error instanceof InputError && { errors: error.problems }),
  });
  const headers = new Headers({
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
  });
  if (row.retryAfter !== undefined) {
    headers.set('Retry-After', String(row.retryAfter));
  }
  for (const [name, value] of Object.entries(error.headers)) {
    headers.set(name, value);
  }
  return new Response(request.method === 'HEAD' ? null : body, { status: row.status, headers });
}

function unexpected(thrown: unknown, request: Request): RegistryError {
  console.error(`${request.method} ${new URL(request.url).pathname} failed:`, thrown);
  return new RegistryError('UNKNOWN');
}
