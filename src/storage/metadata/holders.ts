import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { QueueEntry } from './collection.ts';
import type { Database, Statement } from './database.ts';

/** A repository that sees a blob. */
export interface BlobLink {
  repository: RepositoryName;
  leaseUntil: number; // seconds since the epoch, as all times here
  releasedAt: number | null; // when a manifest let go of it last; null when nobody has to look
}

/** A manifest that is there, with what holds it; lists are cut. */
export interface HeldManifest {
  repositoryId: number;
  repository: RepositoryName;
  digest: Digest;
  tags: string[];
  parents: Digest[];
  subject: Digest | null;
  lastPulledAt: number | null;
}

/** A manifest that was deleted and can be restored. */
export interface RestorableManifest {
  repository: RepositoryName;
  digest: Digest;
  deletedAt: number;
  expiresAt: number;
}

/** Everything that has to do with a digest, as far as the limit goes. */
export interface Holders {
  blobSize: number | null; // bytes; null when no blob of the digest is stored
  links: BlobLink[];
  namedBy: HeldManifest[];
  restorable: RestorableManifest[]; // the manifest itself, and those that name the blob
  manifests: HeldManifest[]; // the digest as a manifest
  queue: QueueEntry[]; // of those manifests
}

/** Tags and parents of one manifest that are told. */
const MAX_NAMES = 5;

const MANIFEST = `repositories.id AS repositoryId, repositories.name AS repository, manifests.digest,
  manifests.subject_digest AS subject,
  (SELECT json_group_array(name) FROM (SELECT name FROM tags
    WHERE tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest
    LIMIT ${MAX_NAMES})) AS tags,
  (SELECT json_group_array(index_digest) FROM (SELECT index_digest FROM manifest_children AS parents
    WHERE parents.repository_id = manifests.repository_id
      AND parents.child_digest = manifests.digest LIMIT ${MAX_NAMES})) AS parents,
  (SELECT last_pulled_at FROM pulls WHERE pulls.repository_id = manifests.repository_id
    AND pulls.reference = manifests.digest) AS lastPulledAt`;

/** Limits a query to ?2, a namespace or NULL for all, and to ?3 rows. */
const IN_SCOPE = '(?2 IS NULL OR repositories.namespace = ?2)';

/** What keeps content. */
export class HolderMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * What has to do with a digest, in one namespace or in all (null): at most `limit` of each kind.
   */
  async find(digest: Digest, namespace: string | null, limit: number): Promise<Holders> {
    const [sizes, links, namedBy, restorable, manifests, queue] = (await this.#database.batch(
      QUERIES.map((sql): Statement => [sql, digest, namespace, limit]),
    )) as [{ size: number }[], BlobLink[], Row[], RestorableManifest[], Row[], QueueEntry[]];
    return {
      blobSize: sizes[0]?.size ?? null,
      links,
      namedBy: namedBy.map(toManifest),
      restorable,
      manifests: manifests.map(toManifest),
      queue,
    };
  }
}

const QUERIES = [
  `SELECT size FROM blobs WHERE digest = ?1 AND (?2 IS NULL OR EXISTS (
     SELECT 1 FROM repository_blobs AS links
     JOIN repositories ON repositories.id = links.repository_id
     WHERE links.digest = ?1 AND ${IN_SCOPE})) LIMIT ?3`,
  `SELECT repositories.name AS repository, links.lease_until AS leaseUntil,
     queue.released_at AS releasedAt
   FROM repository_blobs AS links JOIN repositories ON repositories.id = links.repository_id
   LEFT JOIN collection_queue AS queue ON queue.repository_id = links.repository_id
     AND queue.kind = 'blob' AND queue.digest = links.digest
   WHERE links.digest = ?1 AND ${IN_SCOPE} LIMIT ?3`,
  `SELECT ${MANIFEST}
   FROM repository_blobs AS links JOIN repositories ON repositories.id = links.repository_id
   JOIN manifest_blobs AS named
     ON named.repository_id = links.repository_id AND named.blob_digest = links.digest
   JOIN manifests ON manifests.repository_id = named.repository_id
     AND manifests.digest = named.manifest_digest
   WHERE links.digest = ?1 AND ${IN_SCOPE} LIMIT ?3`,
  `WITH keys (repository_id, digest) AS (
     SELECT id, ?1 FROM repositories
     UNION SELECT repository_id, manifest_digest FROM deleted_manifest_blobs WHERE blob_digest = ?1)
   SELECT repositories.name AS repository, deleted.digest, deleted.deleted_at AS deletedAt,
     deleted.expires_at AS expiresAt
   FROM keys JOIN deleted_manifests AS deleted
     ON deleted.repository_id = keys.repository_id AND deleted.digest = keys.digest
   JOIN repositories ON repositories.id = keys.repository_id WHERE ${IN_SCOPE} LIMIT ?3`,
  `SELECT ${MANIFEST} FROM repositories JOIN manifests ON manifests.repository_id = repositories.id
   WHERE manifests.digest = ?1 AND ${IN_SCOPE} LIMIT ?3`,
  `SELECT queue.repository_id AS repositoryId, repositories.name AS repository, queue.kind,
     queue.digest
   FROM repositories JOIN collection_queue AS queue ON queue.repository_id = repositories.id
   WHERE queue.kind = 'manifest' AND queue.digest = ?1 AND ${IN_SCOPE} LIMIT ?3`,
];

type Row = Omit<HeldManifest, 'tags' | 'parents'> & { tags: string; parents: string };

function toManifest({ tags, parents, ...row }: Row): HeldManifest {
  return { ...row, tags: JSON.parse(tags), parents: JSON.parse(parents) };
}
