/** A repository as another isolate sees it, which remembers nothing at first. */
import { env } from 'cloudflare:workers';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import { Registry, type Repository } from '../../src/registry/registry.ts';
import { Isolate } from '../../src/storage/isolate.ts';
import type { StoreOptions } from '../../src/storage/stores.ts';
import { newStores } from './storage.ts';

export const ORIGIN = 'http://registry.test';

export function elsewhere(
  repository: string,
  isolate = new Isolate(),
  bindings: Partial<StoreOptions> = {},
): Repository {
  const registry = new Registry({
    stores: newStores(isolate, bindings),
    sessions: env.UPLOADS,
    fetches: env.MIRRORS,
    defaultMirror: null,
  });
  return registry.repository(parseRepositoryName(repository), {
    principal: 'alice',
    address: null,
  });
}
