import type { Digest } from '../../oci/digest.ts';
import {
  type CollectedBlobs,
  expiredManifests,
  LINK_IS_NEEDED,
  LINK_IS_TAKEN,
  MANIFEST_IS_DUE_AT,
  MANIFEST_IS_HELD,
  MANIFEST_IS_TAKEN,
  QUEUED_MANIFESTS,
  type QueueEntry,
  queued,
  type ReviewedManifest,
} from './collection.ts';
import type { Database } from './database.ts';
import type { Lifetimes } from './lifetimes.ts';

/** What names a manifest. */
export interface ManifestKey {
  repositoryId: number;
  digest: Digest;
}

/** What a review of a manifest would find. */
export interface ManifestState extends ManifestKey {
  isHeld: number; // 1 when a tag, an index or a subject holds it
  dueAt: number | null; // seconds since the epoch: when it may go if nothing holds it; null for never
  isTaken: number; // 1 when it goes now
  isFinal: number; // 1 when its namespace keeps nothing that can be restored
}

/**
 * What has to wait for its time. What is to be looked at now is not in the queue's numbers: a review
 * decides whether it waits. Bytes that are held for two reasons count once in each.
 */
export interface Waiting {
  restorableManifests: number;
  restorableBytes: number; // that nothing else needs
  restorableUntil: number | null; // of the last one, seconds since the epoch
  trashedObjects: number;
  trashedBytes: number; // without those of uploads that were given up, whose size nobody knows
  trashedUntil: number | null;
  queuedManifests: number;
  queuedBlobs: number;
  nextReview: number | null;
}

/** What a review leaves for a later one. */
export interface Postponed {
  count: number;
  next: number | null; // seconds since the epoch
}

/** Rows that one part of {@link Waiting} looks at. */
export const MAX_COUNTED = 100_000;

const KEYS = `SELECT value ->> 'repositoryId', value ->> 'digest' FROM json_each(?3)`;

/** One kind at a time, in the order of the index: so no more rows are read than are counted. */
const queuedOf = (kind: QueueEntry['kind']) => `SELECT count(*) AS count, min(review_after) AS next
  FROM (SELECT review_after FROM collection_queue
    WHERE kind = '${kind}' AND review_after > unixepoch() ORDER BY review_after LIMIT ?1)`;

/** Later than any. */
const NO_TIME = Number.MAX_SAFE_INTEGER;

/** What the collector would do, by the same conditions; nothing here changes anything. */
export class CollectionPreviewMetadata {
  readonly #database: Database;
  readonly #lifetimes: Lifetimes;

  constructor(database: Database, lifetimes: Lifetimes) {
    this.#database = database;
    this.#lifetimes = lifetimes;
  }

  /** What reviewing manifests would find, of those that are there. */
  reviewManifests(entries: readonly ReviewedManifest[]): Promise<ManifestState[]> {
    return this.#database.all<ManifestState>(
      `SELECT queue.repository_id AS repositoryId, queue.digest, ${MANIFEST_IS_HELD} AS isHeld,
         ${MANIFEST_IS_DUE_AT} AS dueAt, coalesce(${MANIFEST_IS_TAKEN}, 0) AS isTaken,
         coalesce((SELECT restore_days <= 0 FROM repositories
           JOIN namespaces ON namespaces.name = repositories.namespace
           WHERE repositories.id = queue.repository_id), 0) AS isFinal
       FROM ${QUEUED_MANIFESTS}`,
      JSON.stringify(entries),
      this.#lifetimes.review,
    );
  }

  /** At most `limit` deleted manifests that a run gives up. */
  expired(limit: number): Promise<ManifestKey[]> {
    return this.#database.all<ManifestKey>(
      expiredManifests('repository_id AS repositoryId, digest'),
      limit,
    );
  }

  /** What reviewing blobs would take away, after some deleted manifests were given up. */
  async reviewBlobs(
    entries: readonly QueueEntry[],
    expired: readonly ManifestKey[],
  ): Promise<CollectedBlobs> {
    const row = await this.#database.first<CollectedBlobs>(
      `WITH released AS (
         SELECT repository_id, blob_digest FROM deleted_manifest_blobs
         WHERE (repository_id, manifest_digest) IN (${KEYS})),
       taken AS (
         SELECT repository_id, digest FROM repository_blobs AS links WHERE ${LINK_IS_TAKEN}
           AND (repository_id, digest) NOT IN (SELECT * FROM released)),
       unheld AS (
         SELECT size FROM blobs
         WHERE digest IN (SELECT value ->> 'digest' FROM json_each(?1)
             UNION SELECT blob_digest FROM released)
           AND NOT EXISTS (SELECT 1 FROM repository_blobs AS links
             WHERE links.digest = blobs.digest
               AND (links.repository_id, links.digest) NOT IN (SELECT * FROM taken))
           AND NOT EXISTS (SELECT 1 FROM deleted_manifest_blobs AS kept
             WHERE kept.blob_digest = blobs.digest
               AND (kept.repository_id, kept.manifest_digest) NOT IN (${KEYS})))
       SELECT (SELECT count(*) FROM taken) AS links, count(*) AS blobs,
         coalesce(sum(size), 0) AS bytes FROM unheld`,
      JSON.stringify(entries),
      this.#lifetimes.review,
      JSON.stringify(expired),
    );
    return row ?? { links: 0, blobs: 0, bytes: 0 };
  }

  /** Of blobs that are to be looked at now, how many stay and the time of the first (null for none). */
  async postponedBlobs(entries: readonly QueueEntry[]): Promise<Postponed> {
    const row = await this.#database.first<Postponed>(
      `SELECT count(*) AS count, min(dueAt) AS next FROM (
         SELECT max(coalesce(queue.released_at, 0) + ?2, links.lease_until) AS dueAt
         FROM ${queued('blob')}
         CROSS JOIN repository_blobs AS links
           ON links.repository_id = queue.repository_id AND links.digest = queue.digest
         WHERE NOT ${LINK_IS_NEEDED})
       WHERE dueAt > unixepoch()`,
      JSON.stringify(entries),
      this.#lifetimes.review,
    );
    return row ?? { count: 0, next: null };
  }

  /** What has to wait, as far as {@link MAX_COUNTED} rows of each kind tell. */
  async waiting(): Promise<Waiting> {
    const rows = await this.#database.batch([
      [
        `SELECT count(*) AS restorableManifests, max(expires_at) AS restorableUntil,
           coalesce(sum(size), 0) + (SELECT coalesce(sum(size), 0) FROM blobs WHERE digest IN (
             SELECT blob_digest FROM (
               SELECT blob_digest FROM deleted_manifest_blobs AS edges
               JOIN deleted_manifests AS deleted ON deleted.repository_id = edges.repository_id
                 AND deleted.digest = edges.manifest_digest AND deleted.expires_at > unixepoch()
               LIMIT ?1) AS held
             WHERE NOT EXISTS (SELECT 1 FROM repository_blobs AS links
               WHERE links.digest = held.blob_digest AND ${LINK_IS_NEEDED}))) AS restorableBytes
         FROM (SELECT size, expires_at FROM deleted_manifests
           WHERE expires_at > unixepoch() LIMIT ?1)`,
        MAX_COUNTED,
      ],
      [
        `SELECT count(*) AS trashedObjects, coalesce(sum(size), 0) AS trashedBytes,
           max(delete_after) AS trashedUntil
         FROM (SELECT size, delete_after FROM trash WHERE delete_after > unixepoch() LIMIT ?1)`,
        MAX_COUNTED,
      ],
      [
        `SELECT manifests.count AS queuedManifests, blobs.count AS queuedBlobs,
           nullif(min(coalesce(manifests.next, ${NO_TIME}), coalesce(blobs.next, ${NO_TIME})), ${NO_TIME})
             AS nextReview
         FROM (${queuedOf('manifest')}) AS manifests, (${queuedOf('blob')}) AS blobs`,
        MAX_COUNTED,
      ],
    ]);
    return Object.assign({}, ...rows.map(([row]) => row));
  }
}
