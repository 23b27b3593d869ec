import type { Env } from '../env.ts';
import { RegistryError } from '../oci/errors.ts';
import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import { readLifetimes } from '../storage/metadata/lifetimes.ts';
import { NO_ORIGIN, openStores } from '../storage/open-stores.ts';
import type { Stores } from '../storage/stores.ts';
import { UpstreamClient } from '../upstream/client.ts';
import { UpstreamGates } from '../upstream/gates.ts';
import { remoteRepository } from './remote-repository.ts';
import type { Source } from './source.ts';

/** The stores, for a Durable Object: it is in no place of which something is to be remembered. */
export function openOwnStores(env: Env): Stores {
  const lifetimes = readLifetimes(env.LIFETIMES);
  const maxAges = { membership: 0, tag: 0 };
  const usage = { readWindow: Number.POSITIVE_INFINITY, maxAges, lifetimes, pullInterval: 0 };
  return openStores(env, usage, NO_ORIGIN);
}

/** Where a repository of a mirror is fetched from. @throws NAME_UNKNOWN */
export async function openSource(
  env: Env,
  stores: Stores,
  repository: RepositoryName,
): Promise<Source> {
  const { upstream, client } = await openUpstream(env, stores, namespaceOf(repository));
  const remote = remoteRepository(upstream, repository);
  return { upstream, client, repository, remote, stores, sessions: env.UPLOADS };
}

/** The registry that a namespace is the mirror of. @throws NAME_UNKNOWN */
export async function openUpstream(
  env: Env,
  stores: Stores,
  namespace: string,
): Promise<Pick<Source, 'upstream' | 'client'>> {
  const upstream = await stores.metadata.upstreams.find(namespace);
  if (upstream === null) {
    throw new RegistryError('NAME_UNKNOWN', `${namespace} is no mirror any more`);
  }
  const gate = new UpstreamGates(env.GATES).of(upstream);
  const client = new UpstreamClient(upstream, gate, env.PRIVATE_UPSTREAMS === 'true');
  return { upstream, client };
}
