import type { Digest } from '../../oci/digest.ts';
import type { Reference, Tag } from '../../oci/reference.ts';
import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, record, recordEach } from './audit.ts';
import type { BlobRecord } from './blobs.ts';
import { isWhole } from './damage.ts';
import type { Database, Source, Statement } from './database.ts';
import type { Lifetimes } from './lifetimes.ts';
import { missingFrom } from './missing.ts';
import { type NewManifest, storeManifest } from './store-manifest.ts';
import { guardTag, recordRemoval, setTags, type TagCondition } from './tags.ts';
import { withinQuota } from './within-quota.ts';

/** A stored manifest, as far as a HEAD tells. */
export interface ManifestRecord {
  digest: Digest;
  mediaType: string;
  size: number; // bytes
  key: string | null; // in R2, where a large one has its bytes
  /** Of a mirrored tag: why it may be old, in words. */
  staleBecause?: string;
}

/** With its bytes, unless they are in R2. */
export interface ManifestWithBody extends ManifestRecord {
  body: string | null;
}

/** With the blobs that it names and the repository sees, of which there may be more. */
export interface ManifestWithBlobs extends ManifestWithBody {
  blobs: readonly BlobRecord[];
}

/** How many blobs come along with a manifest: images have fewer. */
const MAX_BLOBS = 128;

const BLOBS = `
  (SELECT json_group_array(json_object('digest', digest, 'key', r2_key, 'size', size)) FROM (
     SELECT blobs.digest, blobs.r2_key, blobs.size
     FROM manifest_blobs JOIN blobs ON blobs.digest = manifest_blobs.blob_digest
     WHERE manifest_blobs.repository_id = manifests.repository_id
       AND manifest_blobs.manifest_digest = manifests.digest AND ${isWhole('blobs.r2_key')}
     LIMIT ${MAX_BLOBS})) AS blobs`;

const COLUMNS = `
  manifests.digest, manifests.media_type AS mediaType, manifests.size, manifests.r2_key AS key`;

/** For how long nothing has held a manifest, in seconds, if the collector is to look at it. */
const WAITING = `
  (SELECT unixepoch() - coalesce(released_at, 0) FROM collection_queue AS queue
   WHERE queue.repository_id = manifests.repository_id AND queue.kind = 'manifest'
     AND queue.digest = manifests.digest)`;

/** Its bytes are with the row, or in an object that may be read. */
const IS_WHOLE = `(manifests.r2_key IS NULL OR ${isWhole('manifests.r2_key')})`;

/**
 * What waits for less than this part of a review need not wait anew: of a day, a quarter of an hour. A
 * review is as long as an upload session, so there is no more of it to give away.
 */
const FRESH = 1 / 96;

const REPOSITORY_ID = '(SELECT id FROM repositories WHERE name = ?1)';

/** Manifests, and what each names. */
export class ManifestMetadata {
  readonly #database: Database;
  readonly #lifetimes: Lifetimes;

  constructor(database: Database, lifetimes: Lifetimes) {
    this.#database = database;
    this.#lifetimes = lifetimes;
  }

  /**
   * Finds what a reference names, with its body unless that is in R2. One whose object is damaged is
   * not found: so it is pushed again.
   */
  find(repository: RepositoryName, reference: Reference): Promise<ManifestWithBody | null> {
    return this.#database.first<ManifestWithBody>(
      ...selectManifest(`${COLUMNS}, manifests.body`, repository, reference),
    );
  }

  /**
   * Like {@link find} by digest. The blobs that it names come along, for whoever reads a manifest goes
   * on to read them.
   */
  async findWithBlobs(
    repository: RepositoryName,
    digest: Digest,
    source: Source,
  ): Promise<ManifestWithBlobs | null> {
    const row = await this.#database.firstFrom<ManifestWithBody & { blobs: string }>(
      source,
      ...selectManifest(`${COLUMNS}, ${BLOBS}, manifests.body`, repository, { digest }),
    );
    return row === null ? null : { ...row, blobs: JSON.parse(row.blobs) };
  }

  /** Finds a manifest for somebody who does not want its body, which stays where it is. */
  stat(
    repository: RepositoryName,
    reference: Reference,
    source: Source = 'primary',
  ): Promise<ManifestRecord | null> {
    return this.#database.firstFrom<ManifestRecord>(
      source,
      ...selectManifest(COLUMNS, repository, reference),
    );
  }

  /**
   * Like {@link stat}, for a pusher who goes on to name it in an index: one that nothing holds may
   * wait for collection, and then it waits anew.
   */
  async findAndLease(
    repository: RepositoryName,
    reference: Reference,
  ): Promise<ManifestRecord | null> {
    const row = await this.#database.first<ManifestRecord & { waiting: number | null }>(
      ...selectManifest(`${COLUMNS}, ${WAITING} AS waiting`, repository, reference),
    );
    if (row === null || row.waiting === null || row.waiting < this.#lifetimes.review * FRESH) {
      return row;
    }
    const renewed = await this.#database.first(
      `UPDATE collection_queue SET released_at = unixepoch()
       WHERE repository_id = ${REPOSITORY_ID} AND kind = 'manifest' AND digest = ?2
       RETURNING digest`,
      repository,
      row.digest,
    );
    return renewed === null ? this.stat(repository, reference) : row; // null: it was collected, or is held
  }

  /**
   * Stores a manifest with all it names, and points `tags` at it: everything or nothing. A body in
   * R2 needs the intent that {@link UploadMetadata.announce} made under its key, and consumes it.
   *
   * @throws ConstraintError "foreign key" when the repository lacks something that it names,
   *   "guard" when a condition does not hold; NAME_UNKNOWN where pushes make no repositories and this
   *   one is not there; QUOTA_OF_BYTES_EXCEEDED, QUOTA_OF_REPOSITORIES_EXCEEDED
   */
  async put(
    repository: RepositoryName,
    manifest: NewManifest,
    tags: readonly Tag[],
    conditions: readonly TagCondition[],
    actor: Actor,
  ): Promise<void> {
    const statements = [
      ...conditions.map((condition) => guardTag(repository, condition)),
      ...storeManifest(repository, manifest, this.#lifetimes.trash),
      record(actor, {
        event: 'manifest.push',
        namespace: namespaceOf(repository),
        repository,
        target: manifest.digest,
        after: manifest.mediaType,
      }),
      ...setTags(
        repository,
        tags.map((name) => ({ name, digest: manifest.digest })),
        actor,
      ),
    ];
    await withinQuota(this.#database, namespaceOf(repository), () =>
      this.#database.batch(statements),
    );
  }

  /**
   * Deletes a manifest and the tags that point to it: those tags, or null when it was not there. A
   * trigger keeps it where it can be restored from.
   *
   * @throws ConstraintError ("foreign key") when an index names it
   */
  async delete(repository: RepositoryName, digest: Digest, actor: Actor): Promise<Tag[] | null> {
    const where = `repository_id = ${REPOSITORY_ID} AND digest = ?2`;
    const results = await this.#database.batch([
      recordRemoval(repository, 'tags.digest', digest, actor),
      recordEach(
        actor,
        'manifest.delete',
        repository,
        { target: 'manifests.digest', before: 'manifests.media_type', after: 'NULL' },
        `manifests JOIN repositories ON repositories.id = manifests.repository_id
         WHERE repositories.name = ?4 AND manifests.digest = ?5`,
        [digest],
      ),
      [`DELETE FROM tags WHERE ${where} RETURNING name`, repository, digest],
      [`DELETE FROM manifests WHERE ${where} RETURNING digest`, repository, digest],
    ]);
    const [tags = [], deleted = []] = results.slice(-2);
    return deleted.length === 1 ? (tags as { name: Tag }[]).map(({ name }) => name) : null;
  }

  /** At most `limit` of `digests` that the repository has no manifest for. */
  missing(
    repository: RepositoryName,
    digests: readonly Digest[],
    limit: number,
  ): Promise<Digest[]> {
    return missingFrom('manifests', this.#database, repository, digests, limit);
  }
}

function selectManifest(
  columns: string,
  repository: RepositoryName,
  reference: Reference,
): Statement {
  return 'tag' in reference
    ? [
        `SELECT ${columns} FROM repositories
         JOIN tags ON tags.repository_id = repositories.id
         JOIN manifests
           ON manifests.repository_id = tags.repository_id AND manifests.digest = tags.digest
         WHERE repositories.name = ?1 AND tags.name = ?2 AND ${IS_WHOLE}`,
        repository,
        reference.tag,
      ]
    : [
        `SELECT ${columns} FROM repositories
         JOIN manifests ON manifests.repository_id = repositories.id
         WHERE repositories.name = ?1 AND manifests.digest = ?2 AND ${IS_WHOLE}`,
        repository,
        reference.digest,
      ];
}
