/**
 * The JSON API below /api/v1. A request is matched, its caller let in, its input parsed, and the
 * row's handler answers; what fails becomes a problem (RFC 9457) in one place.
 */
import { type IRequest, Router } from 'itty-router';
import { z } from 'zod';
import { RegistryError } from '../oci/errors.ts';
import { MAX_BODY, readBody, readQuery } from './input.ts';
import { admit } from './permission.ts';
import { toProblem } from './problem.ts';
import type { ApiContext, Method, Route } from './route.ts';
import { ROUTES } from './routes.ts';

export type { ApiContext } from './route.ts';

/** Makes the function that answers every request of the API. */
export function createApi(): (request: Request, api: ApiContext) => Promise<Response> {
  const router = Router<IRequest, [ApiContext], Response>({
    catch: (error: unknown, request: IRequest) => toProblem(error, request as Request),
  });
  for (const [path, routes] of Map.groupBy(ROUTES, (row) => row.path)) {
    for (const row of routes) {
      for (const name of METHOD_NAMES[row.method]) {
        router[name](path, (request, api) => answer(row, request, api));
      }
    }
    router.all(path, () => refuseMethod(routes));
  }
  router.all('*', () => {
    throw new RegistryError('ENDPOINT_UNKNOWN');
  });
  return (request, api) => {
    // "members/.." arrives as "members/../": what is left of a path names something else.
    return new URL(request.url).pathname.endsWith('/')
      ? Promise.resolve(toProblem(new RegistryError('ENDPOINT_UNKNOWN'), request))
      : router.fetch(request, api);
  };
}

/**
 * How many bytes of a body are read before anybody decides. More than usual only for an administrator,
 * whom the decision is about again.
 */
export function maxBodyOf(path: string, identity: ApiContext['identity']): number {
  const row = ROUTES.find(
    ({ path: pattern, maxBody }) =>
      maxBody !== undefined && path.startsWith(pattern.slice(0, pattern.indexOf(':'))),
  );
  return identity?.isAdmin ? (row?.maxBody ?? MAX_BODY) : MAX_BODY;
}

const METHOD_NAMES = {
  GET: ['get', 'head'],
  POST: ['post'],
  PUT: ['put'],
  PATCH: ['patch'],
  DELETE: ['delete'],
} as const satisfies Record<Method, readonly string[]>;

/** What a row without a query takes. */
const NO_QUERY = z.strictObject({});

async function answer(row: Route, request: IRequest, context: ApiContext): Promise<Response> {
  const http = request as Request;
  const url = new URL(http.url);
  const params = decodeAll(request.params);
  const admission = await admit(context, row.permission, params);
  const query = readQuery(url.searchParams, row.query ?? NO_QUERY);
  const body = row.body === null ? null : await readBody(http, row.body, row.maxBody);
  const { headers } = http;
  const result = await row.handle({ context, ...admission, params, body, query, url, headers });
  return toResponse(row, result, http);
}

/** Writes what a handler gave: a value as JSON, nothing as nothing, a Response as it is. */
function toResponse({ status }: Route, result: unknown, request: Request): Response {
  const response = result instanceof Response ? result : toJson(result, status);
  response.headers.set('Cache-Control', 'no-store');
  return request.method === 'HEAD' ? new Response(null, response) : response;
}

function toJson(result: unknown, status: number): Response {
  return result === undefined ? new Response(null, { status }) : Response.json(result, { status });
}

/** Path parameters arrive percent-encoded; what cannot be decoded names nothing. */
function decodeAll(params: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
  } catch {
    throw new RegistryError('ENDPOINT_UNKNOWN');
  }
}

function refuseMethod(routes: readonly Route[]): never {
  const methods = routes.map((row) => row.method);
  const Allow = [...(methods.includes('GET') ? ['HEAD'] : []), ...methods].join(', ');
  throw new RegistryError('UNSUPPORTED', `allowed here: ${Allow}`, { headers: { Allow } });
}
