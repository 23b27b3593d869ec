import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, recordEach } from './audit.ts';
import { LINK_IS_NEEDED } from './collection.ts';
import type { Database } from './database.ts';
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

/** What goes from mirrors that are too large. */
export class EvictionMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** At most `limit` mirrors that have more than they may keep: by chance, so that each has its turn. */
  full(limit: number): Promise<FullMirror[]> {
    return this.#database.all<FullMirror>(
      `SELECT * FROM (
         SELECT upstreams.namespace, used_bytes - keep_bytes - (
           SELECT coalesce(sum(blobs.size), 0) FROM repositories
           JOIN repository_blobs AS links ON links.repository_id = repositories.id
           JOIN blobs ON blobs.digest = links.digest
           WHERE repositories.namespace = upstreams.namespace AND NOT ${LINK_IS_NEEDED}) AS excess
         FROM upstreams JOIN namespaces ON namespaces.name = upstreams.namespace
         WHERE used_bytes > keep_bytes)
       WHERE excess > 0 ORDER BY random() LIMIT ?1`,
      limit,
    );
  }

  /** At most `limit` of what a mirror has, what was not pulled for longest first. */
  leastRecentlyPulled(namespace: string, limit: number): Promise<Evictable[]> {
    const children = `SELECT child_digest FROM manifest_children AS edges
      WHERE edges.repository_id = roots.repository_id AND edges.index_digest = roots.digest`;
    return this.#database.all<Evictable>(
      `SELECT repositories.name AS repository, roots.digest,
         (SELECT coalesce(sum(blobs.size), 0) FROM manifest_blobs AS edges
          JOIN blobs ON blobs.digest = edges.blob_digest
          WHERE edges.repository_id = roots.repository_id
            AND (edges.manifest_digest = roots.digest OR edges.manifest_digest IN (${children})))
           AS bytes
       FROM repositories JOIN manifests AS roots ON roots.repository_id = repositories.id
       WHERE repositories.namespace = ?1 AND repositories.deleted_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM manifest_children AS parents
           WHERE parents.repository_id = roots.repository_id AND parents.child_digest = roots.digest)
       ORDER BY max(roots.pushed_at, coalesce((SELECT max(last_pulled_at) FROM pulls
         WHERE pulls.repository_id = roots.repository_id AND (reference = roots.digest
           OR reference IN (SELECT name FROM tags
             WHERE tags.repository_id = roots.repository_id AND tags.digest = roots.digest)
           OR reference IN (${children}))), 0)) LIMIT ?2`,
      namespace,
      limit,
    );
  }

  /** Deletes a manifest of a mirror with its tags, and those of its children that nothing else holds. */
  async evict({ repository, digest }: Evictable): Promise<void> {
    const id = '(SELECT id FROM repositories WHERE name = ?1)';
    const rows = await this.#database.all<{ digest: Digest }>(
      `SELECT child_digest AS digest FROM manifest_children
       WHERE repository_id = ${id} AND index_digest = ?2`,
      repository,
      digest,
    );
    await this.#database.batch([
      recordRemoval(repository, 'tags.digest', digest, EVICTION),
      recordEach(
        EVICTION,
        'manifest.evict',
        repository,
        { target: 'manifests.digest', before: 'manifests.media_type', after: 'NULL' },
        `manifests JOIN repositories ON repositories.id = manifests.repository_id
         WHERE repositories.name = ?4 AND manifests.digest = ?5`,
        [digest],
      ),
      [`DELETE FROM tags WHERE repository_id = ${id} AND digest = ?2`, repository, digest],
      [`DELETE FROM manifests WHERE repository_id = ${id} AND digest = ?2`, repository, digest],
      [
        `DELETE FROM manifests WHERE repository_id = ${id}
           AND digest IN (SELECT value FROM json_each(?2))
           AND NOT EXISTS (SELECT 1 FROM tags
             WHERE tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest)
           AND NOT EXISTS (SELECT 1 FROM manifest_children AS parents
             WHERE parents.repository_id = manifests.repository_id
               AND parents.child_digest = manifests.digest)`,
        repository,
        JSON.stringify(rows.map((row) => row.digest)),
      ],
    ]);
  }
}
