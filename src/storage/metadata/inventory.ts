import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Database } from './database.ts';

/** How often something was pulled, and when last: null for never. */
interface Pulled {
  pulls: number;
  lastPulledAt: number | null; // seconds since the epoch, as all times here
}

/** A tag, and what it names. */
export interface ListedTag extends Pulled {
  name: Tag;
  digest: Digest;
  mediaType: string;
  size: number; // bytes
  pushedAt: number; // when the tag was set
}

/** A manifest, and how many tags name it. */
export interface ListedManifest extends Pulled {
  digest: Digest;
  mediaType: string;
  artifactType: string | null;
  subject: Digest | null;
  tags: number;
  size: number; // bytes
  pushedAt: number;
}

/** A manifest with its blobs, and of an index its children with theirs; what is shared counts once. */
const SIZE = `(
  WITH family (digest) AS (
    SELECT manifests.digest UNION SELECT child_digest FROM manifest_children AS children
    WHERE children.repository_id = manifests.repository_id
      AND children.index_digest = manifests.digest)
  SELECT (SELECT sum(members.size) FROM family JOIN manifests AS members
      ON members.repository_id = manifests.repository_id AND members.digest = family.digest)
    + coalesce((SELECT sum(blobs.size) FROM blobs WHERE blobs.digest IN (
      SELECT named.blob_digest FROM family JOIN manifest_blobs AS named
        ON named.repository_id = manifests.repository_id AND named.manifest_digest = family.digest)), 0)
  ) AS size`;

const pullsOf = (reference: string) => `LEFT JOIN pulls
  ON pulls.repository_id = repositories.id AND pulls.reference = ${reference}`;

const PULLS = 'coalesce(pulls.count, 0) AS pulls, pulls.last_pulled_at AS lastPulledAt';

/** What a repository holds, with what is known of it. */
export class InventoryMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** At most `limit` tags after `after`, in byte order. */
  tags(repository: RepositoryName, after: string, limit: number): Promise<ListedTag[]> {
    return this.#database.all<ListedTag>(
      `SELECT tags.name, tags.digest, manifests.media_type AS mediaType,
         tags.updated_at AS pushedAt, ${PULLS}, ${SIZE}
       FROM repositories JOIN tags ON tags.repository_id = repositories.id
       JOIN manifests
         ON manifests.repository_id = repositories.id AND manifests.digest = tags.digest
       ${pullsOf('tags.name')}
       WHERE repositories.name = ?1 AND tags.name > ?2 ORDER BY tags.name LIMIT ?3`,
      repository,
      after,
      limit,
    );
  }

  /** At most `limit` manifests after the digest `after`. */
  manifests(repository: RepositoryName, after: string, limit: number): Promise<ListedManifest[]> {
    return this.#database.all<ListedManifest>(
      `SELECT manifests.digest, manifests.media_type AS mediaType,
         manifests.artifact_type AS artifactType, manifests.subject_digest AS subject,
         manifests.pushed_at AS pushedAt, ${PULLS}, ${SIZE},
         (SELECT count(*) FROM tags
          WHERE tags.repository_id = repositories.id AND tags.digest = manifests.digest) AS tags
       FROM repositories JOIN manifests ON manifests.repository_id = repositories.id
       ${pullsOf('manifests.digest')}
       WHERE repositories.name = ?1 AND manifests.digest > ?2 ORDER BY manifests.digest LIMIT ?3`,
      repository,
      after,
      limit,
    );
  }
}
