import type { Env } from '../env.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { UpstreamRecord } from '../storage/metadata/upstreams.ts';
import type { Stores } from '../storage/stores.ts';
import type { UpstreamClient } from '../upstream/client.ts';

/** Where something is fetched from, and for which repository here. */
export interface Source {
  upstream: UpstreamRecord;
  client: UpstreamClient;
  repository: RepositoryName; // here
  remote: string; // what the upstream calls it
  stores: Stores;
  sessions: Env['UPLOADS']; // for blobs that R2 does not take in one piece
}

/** As whom what is fetched stands in the audit log. */
export const MIRROR = { principal: 'mirror', address: null } as const;
