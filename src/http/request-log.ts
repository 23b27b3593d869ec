/** How the request log is written: a line for people, a JSON object for programs, or not at all. */
export type LogFormat = 'text' | 'json' | 'off';

/** For who restarts what does not answer: it takes no login, asks nothing and is not logged. */
export const ALIVE = '/healthz';

/**
 * Writes one line about an answered request. Times are milliseconds; the query is left out, and so
 * are headers, for both may carry secrets.
 */
export function logRequest(
  format: LogFormat,
  request: Request,
  response: Response,
  startedAt: number,
): void {
  if (format === 'off') {
    return;
  }
  const { method } = request;
  const { pathname: path } = new URL(request.url);
  if (path === ALIVE) {
    return;
  }
  const { status } = response;
  const duration = Date.now() - startedAt;
  if (format === 'json') {
    const time = new Date(startedAt).toISOString();
    const userAgent = request.headers.get('User-Agent');
    console.log(JSON.stringify({ time, method, path, status, duration, userAgent }));
  } else {
    console.log(`${new Date(startedAt).toISOString()} ${status} ${method} ${path} ${duration}ms`);
  }
}
