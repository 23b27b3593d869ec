import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Actor } from './audit.ts';
import type { Database, Statement } from './database.ts';
import type { Lifetimes } from './lifetimes.ts';
import { trashUnheldBlobs } from './trash.ts';

/** Something that the collector has to look at, because it was let go of. */
export interface QueueEntry {
  repositoryId: number;
  namespace: string;
  repository: RepositoryName;
  kind: 'blob' | 'manifest';
  digest: Digest;
}

/** A manifest of the queue, and how many seconds one that nothing holds stays; null for ever. */
export interface ReviewedManifest extends QueueEntry {
  untagged: number | null;
}

/** What a review of blobs took away. */
export interface CollectedBlobs {
  links: number;
  blobs: number;
  bytes: number;
}

/** As whom the clock's work on content is in the audit log. */
export const COLLECTOR: Actor = { principal: 'collection', address: null };

/** The entries of the batch: ?1 is JSON of their keys. */
const ENTRIES = `SELECT value ->> 'repositoryId', value ->> 'digest' FROM json_each(?1)`;

export const LINK_IS_NEEDED = `EXISTS (SELECT 1 FROM manifest_blobs
  WHERE manifest_blobs.repository_id = links.repository_id AND blob_digest = links.digest)`;

const isThere = (table: string, digest: string) => `EXISTS (SELECT 1 FROM ${table} AS subjects
  WHERE subjects.repository_id = manifests.repository_id AND subjects.digest = ${digest})`;

/** Was in the repository and is deleted: one that was never there may be in another. */
const isDeleted = (digest: string) =>
  `((${isThere('deleted_manifests', digest)} OR ${isThere('forgotten_subjects', digest)})
    AND NOT ${isThere('manifests', digest)})`;

/** A tag, an index or a subject holds it: a tag that follows a subject does until that is deleted. */
export const MANIFEST_IS_HELD = `(
  EXISTS (SELECT 1 FROM tags
    WHERE tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest
      AND NOT ${isDeleted('tags.subject_digest')})
  OR EXISTS (SELECT 1 FROM manifest_children AS parents
    WHERE parents.repository_id = manifests.repository_id AND parents.child_digest = manifests.digest)
  OR manifests.subject_digest IS NOT NULL AND NOT ${isDeleted('manifests.subject_digest')})`;

/** Follows a subject that is deleted: of manifests that nothing holds. */
const FOLLOWS = `(manifests.subject_digest IS NOT NULL OR EXISTS (SELECT 1 FROM tags
  WHERE tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest))`;

/**
 * When a manifest that nothing holds may go; NULL is never. ?2 is the delay of every review. What was
 * pulled lately is in use, whatever holds it. A deleted repository stays as it is until its end, for it
 * may be restored.
 */
export const MANIFEST_IS_DUE_AT = `max(coalesce((SELECT expires_at FROM repositories
    WHERE repositories.id = manifests.repository_id), 0), CASE WHEN ${FOLLOWS}
  THEN coalesce(queue.released_at, 0) + ?2
  ELSE max(entries.value ->> 'untagged', ?2) + max(coalesce(queue.released_at, 0), coalesce(
    (SELECT last_pulled_at FROM pulls WHERE pulls.repository_id = manifests.repository_id
       AND pulls.reference = manifests.digest), 0)) END)`;

/**
 * What the queue has of the batch. With CROSS JOIN SQLite takes the list first and looks each up by the
 * whole key: it cannot know that the list is shorter than the repository.
 */
export const queued = (kind: QueueEntry['kind']) => `json_each(?1) AS entries
  CROSS JOIN collection_queue AS queue ON queue.repository_id = entries.value ->> 'repositoryId'
    AND queue.kind = '${kind}' AND queue.digest = entries.value ->> 'digest'`;

/** The queue's manifests of the batch. */
export const QUEUED_MANIFESTS = `${queued('manifest')}
  CROSS JOIN manifests
    ON manifests.repository_id = queue.repository_id AND manifests.digest = queue.digest`;

/** A review takes it now. */
export const MANIFEST_IS_TAKEN = `(NOT ${MANIFEST_IS_HELD} AND ${MANIFEST_IS_DUE_AT} <= unixepoch())`;

/** A review unlinks it now: of the links of the batch. ?2 is the delay of every review. */
export const LINK_IS_TAKEN = `(links.repository_id, links.digest) IN (${ENTRIES})
  AND links.lease_until <= unixepoch() AND NOT ${LINK_IS_NEEDED}
  AND EXISTS (SELECT 1 FROM collection_queue AS queue
    WHERE queue.repository_id = links.repository_id AND queue.kind = 'blob'
      AND queue.digest = links.digest AND coalesce(queue.released_at, 0) + ?2 <= unixepoch())`;

/** Deleted manifests that cannot be restored any more, at most ?1. */
export const expiredManifests = (columns: string) => `
  SELECT ${columns} FROM deleted_manifests
  WHERE expires_at <= unixepoch() ORDER BY expires_at LIMIT ?1`;

/** Those that the batch takes; see {@link CollectionMetadata.reviewManifests}. */
const TAKEN = `${queued('manifest')} AND queue.is_taken = 1`;

const ofTaken = (table: 'tags' | 'manifests') =>
  `${table} ON ${table}.repository_id = queue.repository_id AND ${table}.digest = queue.digest`;

const KEY = '(repository_id, kind, digest)';
const KEY_IN_QUEUE = 'queue.repository_id, queue.kind, queue.digest';

/**
 * What nothing holds any more. Triggers queue whatever is let go of; each operation here is one batch
 * that looks again before it takes, so pushes, deletes and other runs may come at any moment.
 */
export class CollectionMetadata {
  readonly #database: Database;
  readonly #lifetimes: Lifetimes;

  constructor(database: Database, lifetimes: Lifetimes) {
    this.#database = database;
    this.#lifetimes = lifetimes;
  }

  /** At most `limit` entries that are to be looked at now. */
  due(kind: QueueEntry['kind'], limit: number): Promise<QueueEntry[]> {
    return this.#database.all<QueueEntry>(
      `SELECT repository_id AS repositoryId, namespace, repositories.name AS repository, kind, digest
       FROM collection_queue JOIN repositories ON repositories.id = repository_id
       WHERE review_after <= unixepoch() AND kind = ?1 ORDER BY review_after LIMIT ?2`,
      kind,
      limit,
    );
  }

  /**
   * Unlinks those blobs that no manifest of their repository names and whose lease is over, and moves
   * what nothing holds to the trash. Entries that have to wait are looked at again when they may go.
   */
  async reviewBlobs(entries: readonly QueueEntry[]): Promise<CollectedBlobs> {
    const keys = JSON.stringify(entries);
    const { review, trash } = this.#lifetimes;
    const results = await this.#database.batch([
      [
        `DELETE FROM repository_blobs AS links WHERE ${LINK_IS_TAKEN} RETURNING digest`,
        keys,
        review,
      ],
      ...trashUnheldBlobs(`digest IN (SELECT value ->> 'digest' FROM json_each(?1))`, keys, trash),
      [
        `DELETE FROM collection_queue WHERE ${KEY} IN (
           SELECT ${KEY_IN_QUEUE} FROM ${queued('blob')}
           WHERE NOT EXISTS (SELECT 1 FROM repository_blobs AS links
             WHERE links.repository_id = queue.repository_id AND links.digest = queue.digest
               AND NOT ${LINK_IS_NEEDED}))`,
        keys,
      ],
      [
        `INSERT INTO collection_queue (repository_id, kind, digest, review_after)
         SELECT ${KEY_IN_QUEUE}, max(coalesce(queue.released_at, 0) + ?2, links.lease_until)
         FROM ${queued('blob')} CROSS JOIN repository_blobs AS links
           ON links.repository_id = queue.repository_id AND links.digest = queue.digest WHERE 1
         ON CONFLICT DO UPDATE SET review_after = excluded.review_after`,
        keys,
        review,
      ],
    ]);
    const [links = [], , blobs = []] = results as [unknown[], unknown[], { size: number }[]];
    const bytes = blobs.reduce((sum, { size }) => sum + size, 0);
    return { links: links.length, blobs: blobs.length, bytes };
  }

  /**
   * Deletes those manifests that nothing holds and whose time is over, with tags that follow a deleted
   * subject; they can be restored. Entries that have to wait are looked at again when they may go.
   *
   * @returns how many it deleted
   */
  async reviewManifests(entries: readonly ReviewedManifest[]): Promise<number> {
    const keys = JSON.stringify(entries);
    const { review } = this.#lifetimes;
    const results = await this.#database.batch([
      [
        `UPDATE collection_queue SET is_taken = 1 WHERE ${KEY} IN (
           SELECT ${KEY_IN_QUEUE} FROM ${QUEUED_MANIFESTS} WHERE ${MANIFEST_IS_TAKEN})`,
        keys,
        review,
      ],
      recordTaken('tag.delete', 'tags', 'tags.name', 'tags.digest', keys),
      recordTaken('manifest.collect', 'manifests', 'manifests.digest', 'media_type', keys),
      [
        `DELETE FROM tags WHERE (repository_id, name) IN (
           SELECT tags.repository_id, tags.name FROM ${TAKEN} CROSS JOIN ${ofTaken('tags')})`,
        keys,
      ],
      [
        `DELETE FROM manifests WHERE (repository_id, digest) IN (
           SELECT queue.repository_id, queue.digest FROM ${TAKEN}) RETURNING digest`,
        keys,
      ],
      [
        `DELETE FROM collection_queue WHERE ${KEY} IN (
           SELECT ${KEY_IN_QUEUE} FROM ${queued('manifest')}
           WHERE NOT EXISTS (SELECT 1 FROM manifests
             WHERE manifests.repository_id = queue.repository_id
               AND manifests.digest = queue.digest AND NOT ${MANIFEST_IS_HELD}))`,
        keys,
      ],
      [
        `INSERT INTO collection_queue (repository_id, kind, digest, review_after)
         SELECT ${KEY_IN_QUEUE}, coalesce(max(${MANIFEST_IS_DUE_AT}, unixepoch() + 1), unixepoch() + ${SELDOM})
         FROM ${QUEUED_MANIFESTS} WHERE 1
         ON CONFLICT DO UPDATE SET review_after = excluded.review_after`,
        keys,
        review,
      ],
    ]);
    return results[4]?.length ?? 0;
  }

  /** Gives up at most `limit` deleted manifests whose time to be restored is over. How many. */
  async expireDeleted(limit: number): Promise<number> {
    const expired = expiredManifests('rowid');
    const results = await this.#database.batch([
      [
        `INSERT INTO trash (r2_key, delete_after)
         SELECT r2_key, unixepoch() + ?2 FROM deleted_manifests
         WHERE rowid IN (${expired}) AND r2_key IS NOT NULL
         ON CONFLICT DO NOTHING`,
        limit,
        this.#lifetimes.trash,
      ],
      [`DELETE FROM deleted_manifests WHERE rowid IN (${expired}) RETURNING digest`, limit],
    ]);
    return results.at(-1)?.length ?? 0;
  }
}

/**
 * When those that stay for ever are looked at again. Other rules have it done at once (untagged-reviews.ts),
 * but a review that knows the rules from before them may come after.
 */
const SELDOM = 30 * 24 * 60 * 60; // seconds

/** Notes what of a table goes with the manifests that are taken: before it does. */
function recordTaken(
  event: string,
  table: 'tags' | 'manifests',
  target: string,
  before: string,
  keys: string,
): Statement {
  return [
    `INSERT INTO audit (event, principal, address, namespace, repository, target, before)
     SELECT ?2, ?3, ?4, repositories.namespace, repositories.name, ${target}, ${before}
     FROM ${TAKEN} CROSS JOIN ${ofTaken(table)}
     JOIN repositories ON repositories.id = ${table}.repository_id`,
    keys,
    event,
    COLLECTOR.principal,
    COLLECTOR.address,
  ];
}
