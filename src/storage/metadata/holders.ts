import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { QueueEntry } from './collection.ts';
import type { Database, Statement } from './database.ts';
import { FORMER_NAME } from './deleted-repositories.ts';

/** A repository that has to do with a digest: it has it, or can restore what needs it. */
export interface HoldingRepository {
  id: number;
  name: RepositoryName; // of a deleted one, that it had
  restorableUntil: number | null; // seconds since the epoch, when it is deleted
}

/** A repository that sees a blob. */
export interface BlobLink {
  repositoryId: number;
  leaseUntil: number; // seconds since the epoch, as all times here
  releasedAt: number | null; // when a manifest let go of it last; null when nobody has to look
}

/** A manifest that is there, with what holds it; lists are cut. */
export interface HeldManifest {
  repositoryId: number;
  digest: Digest;
  tags: string[];
  parents: Digest[];
  subject: Digest | null;
}

/** A manifest that was deleted and can be restored. */
export interface RestorableManifest {
  repositoryId: number;
  digest: Digest;
  expiresAt: number;
}

/** Everything that has to do with a digest, as far as the limit goes. */
export interface Holders {
  blobSize: number | null; // bytes; null when none of the repositories has a blob of the digest
  links: BlobLink[];
  namedBy: HeldManifest[];
  restorable: RestorableManifest[]; // the manifest itself, and those that name the blob
  manifests: HeldManifest[]; // the digest as a manifest
  queue: QueueEntry[]; // of those manifests
}

/** Tags and parents of one manifest that are told. */
const MAX_NAMES = 5;

const MANIFEST = `manifests.repository_id AS repositoryId, manifests.digest,
  manifests.subject_digest AS subject,
  (SELECT json_group_array(name) FROM (SELECT name FROM tags
    WHERE tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest
    LIMIT ${MAX_NAMES})) AS tags,
  (SELECT json_group_array(index_digest) FROM (SELECT index_digest FROM manifest_children AS parents
    WHERE parents.repository_id = manifests.repository_id
      AND parents.child_digest = manifests.digest LIMIT ${MAX_NAMES})) AS parents`;

/** What keeps content. */
export class HolderMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * At most `limit` repositories that have to do with a digest, by id, after the one with the id `after`:
   * of one namespace or of all (null).
   */
  repositories(
    digest: Digest,
    namespace: string | null,
    after: number,
    limit: number,
  ): Promise<HoldingRepository[]> {
    return this.#database.all<HoldingRepository>(
      `SELECT id, iif(deleted_at IS NULL, name, ${FORMER_NAME}) AS name, expires_at AS restorableUntil
       FROM repositories WHERE id IN (${HOLDING.join(' UNION ')}) ORDER BY id LIMIT ?4`,
      digest,
      namespace,
      after,
      limit,
    );
  }

  /** What has to do with a digest in repositories: at most `limit` of each kind. */
  async find(digest: Digest, repositories: readonly number[], limit: number): Promise<Holders> {
    const ids = JSON.stringify(repositories);
    const [sizes, links, namedBy, restorable, manifests, queue] = (await this.#database.batch(
      QUERIES.map((sql): Statement => [sql, digest, ids, limit]),
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

/**
 * The first of each table by an index: a page reads the rows of the digest until it is full, those of other
 * namespaces too. So it is as many as repositories have the digest, and not as there are repositories.
 */
const HOLDING = [
  'repository_blobs AS held WHERE held.digest = ?1',
  'manifests AS held WHERE held.digest = ?1',
  'deleted_manifests AS held WHERE held.digest = ?1',
  'deleted_manifest_blobs AS held WHERE held.blob_digest = ?1',
].map(
  (from) => `SELECT * FROM (SELECT DISTINCT held.repository_id FROM ${from}
    AND held.repository_id > ?3
    AND (?2 IS NULL OR ?2 = (SELECT namespace FROM repositories WHERE id = held.repository_id))
    ORDER BY held.repository_id LIMIT ?4)`,
);

const IDS = '(SELECT value FROM json_each(?2))';

const DELETED =
  'deleted.repository_id AS repositoryId, deleted.digest, deleted.expires_at AS expiresAt';

/** ?1 is the digest, ?2 the ids of repositories, ?3 how many rows. */
const QUERIES = [
  `SELECT size FROM blobs WHERE digest = ?1 AND (
     EXISTS (SELECT 1 FROM repository_blobs WHERE repository_id IN ${IDS} AND digest = ?1)
     OR EXISTS (SELECT 1 FROM deleted_manifest_blobs
       WHERE repository_id IN ${IDS} AND blob_digest = ?1)) LIMIT ?3`,
  `SELECT links.repository_id AS repositoryId, links.lease_until AS leaseUntil,
     queue.released_at AS releasedAt
   FROM repository_blobs AS links
   LEFT JOIN collection_queue AS queue ON queue.repository_id = links.repository_id
     AND queue.kind = 'blob' AND queue.digest = links.digest
   WHERE links.repository_id IN ${IDS} AND links.digest = ?1 LIMIT ?3`,
  `SELECT ${MANIFEST}
   FROM manifest_blobs AS named JOIN manifests ON manifests.repository_id = named.repository_id
     AND manifests.digest = named.manifest_digest
   WHERE named.repository_id IN ${IDS} AND named.blob_digest = ?1 LIMIT ?3`,
  `SELECT ${DELETED} FROM deleted_manifests AS deleted
   WHERE deleted.repository_id IN ${IDS} AND deleted.digest = ?1
   UNION SELECT ${DELETED} FROM deleted_manifest_blobs AS named
     JOIN deleted_manifests AS deleted ON deleted.repository_id = named.repository_id
       AND deleted.digest = named.manifest_digest
   WHERE named.blob_digest = ?1 AND named.repository_id IN ${IDS} LIMIT ?3`,
  `SELECT ${MANIFEST} FROM manifests
   WHERE manifests.repository_id IN ${IDS} AND manifests.digest = ?1 LIMIT ?3`,
  `SELECT queue.repository_id AS repositoryId, repositories.namespace, repositories.name AS repository,
     queue.kind, queue.digest
   FROM collection_queue AS queue JOIN repositories ON repositories.id = queue.repository_id
   WHERE queue.repository_id IN ${IDS} AND queue.kind = 'manifest' AND queue.digest = ?1 LIMIT ?3`,
];

type Row = Omit<HeldManifest, 'tags' | 'parents'> & { tags: string; parents: string };

function toManifest({ tags, parents, ...row }: Row): HeldManifest {
  return { ...row, tags: JSON.parse(tags), parents: JSON.parse(parents) };
}
