import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, recordEach } from './audit.ts';
import { LINK_IS_NEEDED } from './collection.ts';
import type { Database, Statement } from './database.ts';
import { recordRemoval } from './tags.ts';

/** A mirror that has more than it may keep. */
export interface FullMirror {
  namespace: string;
  excess: number; // bytes, without those that the collector takes anyway
}

/** A manifest or an index of a mirror that nothing else there names, with what it holds. */
export interface Evictable {
  repository: RepositoryName;
  digest: Digest;
  bytes: number; // of its blobs, and of those of its children
}

const EVICTION: Actor = { principal: 'eviction', address: null };

// SQLite does not know how many rows an index leaves: CROSS JOIN keeps the order of a join.
// https://www.sqlite.org/optoverview.html#manual_control_of_query_plans_using_cross_join

/**
 * What of a namespace waits for the collector: whatever lost a holder is queued by triggers, and what a
 * restore could bring back holds its blobs without that.
 */
const WAITING = `
  SELECT queue.digest FROM repositories
  CROSS JOIN collection_queue AS queue ON queue.repository_id = repositories.id AND queue.kind = 'blob'
  WHERE repositories.namespace = upstreams.namespace
  UNION
  SELECT edges.blob_digest FROM repositories
  CROSS JOIN deleted_manifest_blobs AS edges ON edges.repository_id = repositories.id
  WHERE repositories.namespace = upstreams.namespace`;

/** Some repository of the namespace needs it. */
const CONTENT_IS_NEEDED = `EXISTS (SELECT 1 FROM repository_blobs AS links
  CROSS JOIN repositories ON repositories.id = links.repository_id
    AND repositories.namespace = content.namespace
  WHERE links.digest = content.digest AND ${LINK_IS_NEEDED})`;

const IS_NAMED = `EXISTS (SELECT 1 FROM manifest_children AS parents
  WHERE parents.repository_id = manifests.repository_id AND parents.child_digest = manifests.digest)`;

const IS_TAGGED = `EXISTS (SELECT 1 FROM tags
  WHERE tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest)`;

const IS_IMMUTABLE = `EXISTS (SELECT 1 FROM immutable_tags AS kept
  WHERE kept.repository_id = manifests.repository_id AND kept.digest = manifests.digest)`;

const CHILDREN = `manifest_children AS edges
  WHERE edges.repository_id = manifests.repository_id AND edges.index_digest = manifests.digest`;

const lastPullOf = (references: string) => `coalesce((SELECT max(last_pulled_at) FROM pulls
  WHERE pulls.repository_id = manifests.repository_id AND reference IN (${references})), 0)`;

/** When somebody last asked for a manifest: by its digest, a tag or a child, or by fetching it. */
const LAST_USE = `max(manifests.pushed_at, ${lastPullOf('manifests.digest')},
  ${lastPullOf(`SELECT name FROM tags
    WHERE tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest`)},
  ${lastPullOf(`SELECT child_digest FROM ${CHILDREN}`)})`;

/** What goes from mirrors that are too large. */
export class EvictionMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** At most `limit` mirrors that have more than they may keep: by chance, so that each has its turn. */
  full(limit: number): Promise<FullMirror[]> {
    return this.#database.all<FullMirror>(
      `WITH mirrors AS MATERIALIZED (
         SELECT upstreams.namespace, used_bytes - keep_bytes - (
           SELECT coalesce(sum(size), 0) FROM namespace_content AS content
           WHERE content.namespace = upstreams.namespace AND content.digest IN (${WAITING})
             AND NOT ${CONTENT_IS_NEEDED}) AS excess
         FROM upstreams JOIN namespaces ON namespaces.name = upstreams.namespace
         WHERE used_bytes > keep_bytes)
       SELECT * FROM mirrors WHERE excess > 0 ORDER BY random() LIMIT ?1`,
      limit,
    );
  }

  /**
   * At most `limit` of what a mirror has, what was not pulled for longest first, without what immutable
   * tags name.
   */
  leastRecentlyPulled(namespace: string, limit: number): Promise<Evictable[]> {
    return this.#database.all<Evictable>(
      `SELECT repository, digest,
         (SELECT coalesce(sum(size), 0) FROM blobs WHERE digest IN (
            SELECT blob_digest FROM manifest_blobs AS held
            WHERE held.repository_id = manifests.repository_id AND held.manifest_digest IN (
              SELECT manifests.digest UNION ALL SELECT child_digest FROM ${CHILDREN}))) AS bytes
       FROM (
         SELECT repositories.name AS repository, repository_id, digest, ${LAST_USE} AS last_use
         FROM repositories CROSS JOIN manifests ON manifests.repository_id = repositories.id
         WHERE repositories.namespace = ?1 AND repositories.deleted_at IS NULL
           AND NOT ${IS_NAMED} AND NOT ${IS_IMMUTABLE}
         ORDER BY last_use LIMIT ?2) AS manifests
       ORDER BY last_use`,
      namespace,
      limit,
    );
  }

  /**
   * Deletes a manifest of a mirror with its tags, and those of its children that nothing else holds.
   *
   * @throws TAG_IMMUTABLE, or ConstraintError "foreign key" when an index names it: since it was listed
   */
  async evict({ repository, digest }: Evictable): Promise<void> {
    const id = '(SELECT id FROM repositories WHERE name = ?1)';
    const rows = await this.#database.all<{ digest: Digest }>(
      `SELECT child_digest AS digest FROM manifest_children
       WHERE repository_id = ${id} AND index_digest = ?2`,
      repository,
      digest,
    );
    const children = JSON.stringify(rows.map((row) => row.digest));
    await this.#database.batch([
      recordRemoval(repository, 'tags.digest', digest, EVICTION),
      [`DELETE FROM tags WHERE repository_id = ${id} AND digest = ?2`, repository, digest],
      recordManifests(repository, 'manifests.digest = ?5', digest),
      [`DELETE FROM manifests WHERE repository_id = ${id} AND digest = ?2`, repository, digest],
      recordManifests(repository, isLeft('?5'), children),
      [
        `DELETE FROM manifests WHERE repository_id = ${id} AND ${isLeft('?2')}`,
        repository,
        children,
      ],
    ]);
  }
}

/** A child of an index that is gone, in the list `children`, that nothing else holds. */
const isLeft = (children: string) =>
  `manifests.digest IN (SELECT value FROM json_each(${children})) AND NOT ${IS_TAGGED} AND NOT ${IS_NAMED}`;

/** Notes the manifests that go: before they do. `condition` has `parameter` as ?5. */
function recordManifests(
  repository: RepositoryName,
  condition: string,
  parameter: string,
): Statement {
  return recordEach(
    EVICTION,
    'manifest.evict',
    repository,
    { target: 'manifests.digest', before: 'manifests.media_type', after: 'NULL' },
    `manifests JOIN repositories ON repositories.id = manifests.repository_id
     WHERE repositories.name = ?4 AND ${condition}`,
    [parameter],
  );
}
