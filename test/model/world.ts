import { hash } from 'node:crypto';
import type { RegistryError } from '../../src/oci/errors.ts';
import { BlobStore } from '../../src/storage/blob-store.ts';
import { LIFETIMES } from '../../src/storage/metadata/lifetimes.ts';
import { MetadataStore } from '../../src/storage/metadata/metadata-store.ts';
import type { Stores } from '../../src/storage/stores.ts';
import { Gate } from './gate.ts';
import { ModelDatabase, modelD1, modelR2 } from './platform.ts';

export const DAY = 24 * 60 * 60; // seconds: a step of the model's clock

export const RESTORE_DAYS = 2;

/** As the registry ships them, but that untagged manifests stay two days. */
export const LIFETIMES_OF_MODEL = { ...LIFETIMES, untagged: 2 * DAY };

/** The store under test: the real statements over a model of the platform. */
export class World {
  readonly database = new ModelDatabase();
  readonly gate = new Gate(() => this.database.now);
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly stores: Stores;

  constructor() {
    this.metadata = new MetadataStore(modelD1(this.database, this.gate), LIFETIMES_OF_MODEL);
    this.blobs = new BlobStore(modelR2(this.database, this.gate));
    this.stores = {
      metadata: this.metadata,
      blobs: this.blobs,
      lifetimes: LIFETIMES_OF_MODEL,
      memberships: { forget: async () => {} }, // nothing is remembered
    } as unknown as Stores;
    this.database.run(
      `INSERT INTO namespaces (name, restore_days) VALUES ('acme', ${RESTORE_DAYS})`,
    );
    this.database.run(
      "INSERT INTO repositories (name, namespace) VALUES ('acme/here', 'acme'), ('acme/there', 'acme')",
    );
  }

  /** All that is stored and decides what can happen: the audit log does not. */
  fingerprint(): string {
    const rows = this.database.run<{ json: string }>(FINGERPRINT);
    return hash('sha1', rows.map(({ json }) => json).join('\n'), 'base64');
  }
}

const TABLES: Readonly<Record<string, string>> = {
  blobs: 'digest, r2_key',
  repository_blobs: 'repository_id, digest, lease_until',
  manifests: 'repository_id, digest, r2_key',
  manifest_blobs: 'repository_id, manifest_digest, blob_digest',
  manifest_children: 'repository_id, index_digest, child_digest',
  tags: 'repository_id, name, digest',
  uploads: 'id, r2_key, expires_at',
  trash: 'r2_key, delete_after',
  collection_queue: 'repository_id, kind, digest, released_at, review_after',
  deleted_manifests: 'repository_id, digest, r2_key, expires_at',
  deleted_manifest_blobs: 'repository_id, manifest_digest, blob_digest',
  deleted_manifest_children: 'repository_id, index_digest, child_digest',
  objects: 'key, digest, written_at',
};

const FINGERPRINT = Object.entries(TABLES)
  .map(
    ([table, columns]) =>
      `SELECT json_group_array(json_array(${columns})) AS json
       FROM (SELECT ${columns} FROM ${table} ORDER BY ${columns})`,
  )
  .join(' UNION ALL ');

/** Whether a client would repeat a request that failed so. */
export function isUnavailable(error: unknown): boolean {
  return (error as RegistryError).error === 'UNAVAILABLE';
}
