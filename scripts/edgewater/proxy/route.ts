/** What of the protocol the proxy treats in a way of its own; anything else passes through. */
export type Route =
  | { kind: 'start'; repository: string } // POST without a blob
  | { kind: 'post'; repository: string; digest: string } // POST with one
  | { kind: 'patch'; repository: string }
  | { kind: 'put'; repository: string; digest: string }
  | { kind: 'manifest'; repository: string }
  | { kind: 'other' };

const OTHER: Route = { kind: 'other' };

/** Which it is, by method and path. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints */
export function routeOf(method: string, path: string, hasBody: boolean): Route {
  const url = URL.parse(`http://registry${path}`);
  const [, repository = '', kind, rest = ''] =
    /^\/v2\/(.+?)\/(blobs\/uploads|manifests)\/(.*)$/.exec(url?.pathname ?? '') ?? [];
  const digest = url?.searchParams.get('digest') ?? null;
  if (kind === 'manifests') {
    return method === 'PUT' && hasBody ? { kind: 'manifest', repository } : OTHER;
  }
  switch (kind === undefined ? '' : `${method} ${rest === '' ? 'all' : 'one'}`) {
    case 'POST all':
      return hasBody && digest !== null
        ? { kind: 'post', repository, digest }
        : { kind: 'start', repository };
    case 'PATCH one':
      return hasBody ? { kind: 'patch', repository } : OTHER;
    case 'PUT one':
      return digest === null ? OTHER : { kind: 'put', repository, digest };
    default:
      return OTHER;
  }
}

/** A path without the parameter `digest`, and otherwise as it was. */
export function withoutDigest(path: string): string {
  const [address = '', query = ''] = path.split(/\?(.*)/s);
  const others = query.split('&').filter((parameter) => !/^digest=|^$/.test(parameter));
  return others.length === 0 ? address : `${address}?${others.join('&')}`;
}
