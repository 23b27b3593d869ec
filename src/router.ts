/**
 * Every path of the registry, with the access it needs and the handler that answers. Lay it beside
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints
 *
 * A request is parsed once, allowed once and answered once. Rows with the same path stand together:
 * behind the last of them any other method is a 405. Upload rows stand above blob rows, for
 * "uploads" would pass for a digest.
 */
import { type IRequest, Router } from 'itty-router';
import { toProblem } from './admin/problem.ts';
import { type ApiContext, createApi, maxBodyOf } from './admin/router.ts';
import type { Access, Approach, Authority, Permit } from './auth/authorize.ts';
import type { Settings } from './env.ts';
import * as base from './handlers/base.ts';
import * as blobs from './handlers/blobs.ts';
import * as catalog from './handlers/catalog.ts';
import * as health from './handlers/health.ts';
import * as manifests from './handlers/manifests.ts';
import * as referrers from './handlers/referrers.ts';
import * as tags from './handlers/tags.ts';
import * as token from './handlers/token.ts';
import * as uploads from './handlers/uploads.ts';
import { discardBody, withBodyRead } from './http/body.ts';
import { toErrorResponse } from './http/error-response.ts';
import { DOCKER_API_VERSION, OCI_NAMESPACE } from './http/headers.ts';
import { originOf } from './http/origin.ts';
import { ALIVE, logRequest } from './http/request-log.ts';
import { parseDigest, parseSubjectDigest } from './oci/digest.ts';
import { RegistryError } from './oci/errors.ts';
import {
  isTag,
  type PastTag,
  parsePastTag,
  parseReference,
  type Reference,
} from './oci/reference.ts';
import {
  isRepositoryName,
  parseRepositoryName,
  type RepositoryName,
} from './oci/repository-name.ts';
import type { Registry, Repository } from './registry/registry.ts';
import type { Stores } from './storage/stores.ts';
import type { UpstreamGates } from './upstream/gates.ts';

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What a handler's row has to work with; `param` is the path's last parameter, decoded. */
interface Call {
  request: Request;
  registry: Registry;
  repository: Repository;
  param: string;
  permit: Permit;
  desk: token.TokenDesk;
  parts: readonly health.Part[];
}

/** What the router works with: made anew for each request. */
export interface Services {
  registry: Registry;
  authority: Authority;
  stores: Stores;
  gates: UpstreamGates;
  settings: Settings;
  url: URL; // of the request
  startTransfer: (id: string) => Promise<void>;
  parts: readonly health.Part[];
}

type Answer = Response | Promise<Response>;

interface Route {
  spec: string; // the endpoint's id in the spec, or whose it is
  methods: readonly Method[];
  path: string;
  access: Access;
  handle: (call: Call) => Answer;
}

const READ: readonly Method[] = ['GET', 'HEAD'];

const route = (
  spec: string,
  methods: Method | readonly Method[],
  path: string,
  access: Access,
  handle: (call: Call) => Answer,
): Route => ({
  spec,
  methods: typeof methods === 'string' ? [methods] : methods,
  path,
  access,
  handle,
});

/* biome-ignore format: one row per endpoint */
export const ROUTES: readonly Route[] = [
  route('end-1', READ, '/v2', 'any', () => base.check()),
  route('docker', READ, '/v2/_catalog', 'catalog', ({ request, registry, permit }) => catalog.list(request, registry, permit.reader)),
  route('docker', READ, '/v1/_ping', 'public', () => catalog.ping()),
  route('docker', READ, '/v1/search', 'catalog', ({ request, registry, permit }) => catalog.search(request, registry, permit.reader)),

  route('docker', 'GET', '/token', 'public', ({ request, desk }) => token.get(request, desk)),
  route('docker', 'POST', '/token', 'public', ({ request, desk }) => token.post(request, desk)),

  route('edgewater', READ, '/readyz', 'login', ({ parts }) => health.ready(parts)),

  route('end-4a end-4b end-4c end-11', 'POST', '/v2/:name+/blobs/uploads', 'push', ({ request, repository, permit }) => uploads.start(request, repository, permit.sources)),

  route('end-13', READ, '/v2/:name+/blobs/uploads/:param', 'push', ({ repository, param }) => uploads.status(repository, param)),
  route('end-5', 'PATCH', '/v2/:name+/blobs/uploads/:param', 'push', ({ request, repository, param }) => uploads.append(request, repository, param)),
  route('end-6', 'PUT', '/v2/:name+/blobs/uploads/:param', 'push', ({ request, repository, param }) => uploads.finish(request, repository, param)),
  route('end-14', 'DELETE', '/v2/:name+/blobs/uploads/:param', 'push', ({ repository, param }) => uploads.cancel(repository, param)),

  route('end-2', 'GET', '/v2/:name+/blobs/:param', 'pull', ({ request, repository, param }) => blobs.get(request, repository, parseDigest(param))),
  route('end-2', 'HEAD', '/v2/:name+/blobs/:param', 'pull', ({ request, repository, param, permit }) => blobs.head(request, repository, parseDigest(param), permit.mayPush)),
  route('end-10', 'DELETE', '/v2/:name+/blobs/:param', 'delete', ({ repository, param }) => blobs.remove(repository, parseDigest(param))),

  route('end-3', 'GET', '/v2/:name+/manifests/:param', 'pull', ({ request, repository, param }) => manifests.get(request, repository, readableReference(param))),
  route('end-3', 'HEAD', '/v2/:name+/manifests/:param', 'pull', ({ request, repository, param, permit }) => manifests.head(request, repository, readableReference(param), permit.mayPush)),
  route('end-7a end-7b', 'PUT', '/v2/:name+/manifests/:param', 'push', ({ request, repository, param }) => manifests.put(request, repository, parseReference(param))),
  route('end-9', 'DELETE', '/v2/:name+/manifests/:param', 'delete', ({ repository, param }) => manifests.remove(repository, existingReference(param))),

  route('end-8a end-8b', READ, '/v2/:name+/tags/list', 'pull', ({ request, repository }) => tags.list(request, repository)),

  route('end-12a end-12b', READ, '/v2/:name+/referrers/:param', 'pull', ({ request, repository, param }) => referrers.list(request, repository, parseSubjectDigest(param))),
];

/** Makes the function that answers every request, and logs it. */
export function createRouter() {
  const router = Router<IRequest, [Services], Response>({
    catch: (error: unknown, request: IRequest) => toErrorResponse(error, request as Request),
    finally: [addCommonHeaders],
  });
  router
    .get(ALIVE, health.alive)
    .head(ALIVE, health.alive)
    .all(ALIVE, () => refuseMethod(READ));
  for (const [path, routes] of Map.groupBy(ROUTES, (row) => row.path)) {
    for (const { methods, access, handle } of routes) {
      for (const method of methods) {
        router[METHOD_NAMES[method]](path, async (request, services) => {
          const response = await handle(await toCall(request, services, access));
          return nameRegistry(response, services.url);
        });
      }
    }
    router.all(path, () => refuseMethod(routes.flatMap((row) => row.methods)));
  }
  const api = createApi();
  router.all('/api/v1/*', async (request, services) => {
    try {
      const http = await withBodyRead(request as Request, await maxApiBody(request, services));
      return await api(http, await toApiContext(request as Request, services));
    } catch (error) {
      return toProblem(error, request as Request); // before the API was asked
    }
  });
  router.all('*', refusePath);
  return async (request: Request, services: Services): Promise<Response> => {
    const startedAt = Date.now();
    const response = await router.fetch(request, services);
    await discardBody(request);
    logRequest(services.settings.log, request, response, startedAt);
    return response;
  };
}

const METHOD_NAMES = {
  GET: 'get',
  HEAD: 'head',
  POST: 'post',
  PUT: 'put',
  PATCH: 'patch',
  DELETE: 'delete',
} as const;

/** Parses what every row has in common, and has the request allowed or refused. */
async function toCall(request: IRequest, services: Services, access: Access): Promise<Call> {
  const { registry, authority, settings } = services;
  const { name, param } = request.params;
  const approach = approachOf(request as Request, services.url.origin);
  const called = name === undefined ? null : parseRepositoryName(name);
  const repositoryName =
    called === null
      ? null
      : await readName(request.method as Method, services.url, registry, called);
  // Who may pull from a mirror is told that nobody pushes there; nobody else learns that there is one.
  const isRefused =
    access === 'push' &&
    repositoryName !== null &&
    (await registry.names.isMirrored(repositoryName));
  const permit = await authority.authorize(approach, {
    access: isRefused ? 'pull' : access,
    repository: repositoryName,
    // With `ns` a challenge names the mirror's repository, for a token request has no `ns`.
    calledAs: services.url.searchParams.has('ns') ? repositoryName : called,
    source: access === 'push' ? mountSource(services.url) : null,
  });
  if (isRefused) {
    throw new RegistryError(
      'DENIED',
      `${repositoryName} mirrors another registry: nobody pushes to it; push to a namespace of your own`,
    );
  }
  if (repositoryName !== null && repositoryName !== called) {
    await registry.names.check(repositoryName);
  }
  return {
    request: request as Request,
    registry,
    get repository() {
      return registry.repository(repositoryName ?? parseRepositoryName(''), permit.actor);
    },
    param: decode(param ?? ''),
    permit,
    get desk() {
      if (settings.isOpen) {
        throw new RegistryError('ENDPOINT_UNKNOWN', 'this registry is open: it has no tokens');
      }
      const { host } = services.url;
      return {
        authority,
        approach,
        service: authority.tokens,
        resolve: (read: RepositoryName) => registry.names.resolve(read, null, host),
      };
    },
    get parts() {
      return services.parts;
    },
  };
}

/** What is read may be meant of another registry, of which this one has a mirror. */
async function readName(
  method: Method,
  { searchParams, host }: URL,
  registry: Registry,
  name: RepositoryName,
): Promise<RepositoryName> {
  return READ.includes(method) ? registry.names.resolve(name, searchParams.get('ns'), host) : name;
}

/** Tells containerd which registry it was answered for: its `ns`. */
function nameRegistry(response: Response, url: URL): Response {
  const ns = url.searchParams.get('ns');
  if (ns !== null && response.ok) {
    response.headers.set(OCI_NAMESPACE, ns);
  }
  return response;
}

/** Who asks is looked up twice where a body may be large: before it is read, and when it is there. */
async function maxApiBody(request: IRequest, services: Services): Promise<number> {
  const { pathname } = services.url;
  const usual = maxBodyOf(pathname, null);
  if (Number(request.headers.get('Content-Length') ?? 0) <= usual) {
    return usual;
  }
  return maxBodyOf(pathname, (await toApiContext(request as Request, services)).identity);
}

async function toApiContext(request: Request, services: Services): Promise<ApiContext> {
  const { authority, stores, settings, gates } = services;
  const origin = originOf(request);
  const identity = await authority.identify(approachOf(request, services.url.origin));
  return {
    metadata: stores.metadata,
    stores,
    identity,
    actor: { principal: identity?.principal ?? 'anonymous', address: origin.address },
    origin,
    newNamespaces: settings.newNamespaces,
    allowsLocalIssuers: settings.isLocal,
    startTransfer: services.startTransfer,
    gates,
    upstreamRules: {
      adminPassword: settings.adminPassword ?? '',
      allowsAnonymousHub: settings.isLocal,
      allowsPrivate: settings.allowsPrivateUpstreams,
    },
  };
}

function approachOf(request: Request, url: string): Approach {
  return {
    authorization: request.headers.get('Authorization'),
    url,
    origin: originOf(request),
  };
}

/** The repository that a mount names, which the caller has to be allowed to pull. */
function mountSource({ searchParams }: URL): RepositoryName | null {
  const from = searchParams.get('from') ?? '';
  return isRepositoryName(from) ? from : null;
}

/** Path parameters arrive percent-encoded; what cannot be decoded will not parse either. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** To one who reads or deletes, text that cannot be a tag is a tag that is not there. */
function existingReference(text: string): Reference {
  if (!text.includes(':') && !isTag(text)) {
    throw new RegistryError('MANIFEST_UNKNOWN');
  }
  return parseReference(text);
}

/** What a reader may ask for besides: what a tag named at a time. */
function readableReference(text: string): Reference | PastTag {
  return parsePastTag(text) ?? existingReference(text);
}

function refuseMethod(allowed: readonly Method[]): never {
  const Allow = [...new Set(allowed)].join(', ');
  throw new RegistryError('UNSUPPORTED', `allowed here: ${Allow}`, { headers: { Allow } });
}

function refusePath(): never {
  throw new RegistryError('ENDPOINT_UNKNOWN');
}

function addCommonHeaders(response: Response): void {
  response.headers.set(DOCKER_API_VERSION, 'registry/2.0');
  response.headers.set('X-Content-Type-Options', 'nosniff');
}
