import type { Digest, SubjectDigest } from '../../oci/digest.ts';
import type { Reference, Tag } from '../../oci/reference.ts';
import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, record, recordEach } from './audit.ts';
import type { Database, Statement } from './database.ts';
import { REVIEW_DELAY, TRASH_GRACE } from './lifetimes.ts';
import { missingFrom } from './missing.ts';
import { guardTag, recordRemoval, setTags, type TagCondition } from './tags.ts';

/** A stored manifest, as far as a HEAD tells. */
export interface ManifestRecord {
  digest: Digest;
  mediaType: string;
  size: number; // bytes
  key: string | null; // in R2, where a large one has its bytes
}

/** With its bytes, unless they are in R2. */
export interface ManifestWithBody extends ManifestRecord {
  body: string | null;
}

/** A manifest to store, with the digests of what it names. */
export interface NewManifest extends ManifestWithBody {
  artifactType: string | null;
  subject: SubjectDigest | null;
  blobs: readonly Digest[];
  /** Linked where the repository has them; elsewhere they are somebody else's. */
  externalBlobs: readonly Digest[];
  children: readonly Digest[];
}

const COLUMNS = `
  manifests.digest, manifests.media_type AS mediaType, manifests.size, manifests.r2_key AS key`;

const REPOSITORY_ID = '(SELECT id FROM repositories WHERE name = ?1)';

/** Manifests, and what each names. */
export class ManifestMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Finds what a reference names, with its body unless that is in R2. */
  find(repository: RepositoryName, reference: Reference): Promise<ManifestWithBody | null> {
    return this.#database.first<ManifestWithBody>(
      ...selectManifest(`${COLUMNS}, manifests.body`, repository, reference),
    );
  }

  /** Like {@link find} by digest, from a read replica if that has it. */
  findNearby(repository: RepositoryName, digest: Digest): Promise<ManifestWithBody | null> {
    return this.#database.firstNearby<ManifestWithBody>(
      ...selectManifest(`${COLUMNS}, manifests.body`, repository, { digest }),
    );
  }

  /** Finds a manifest for somebody who does not want its body, which stays where it is. */
  stat(repository: RepositoryName, reference: Reference): Promise<ManifestRecord | null> {
    return this.#database.first<ManifestRecord>(...selectManifest(COLUMNS, repository, reference));
  }

  /** Like {@link stat} by digest, from a read replica if that has it. */
  statNearby(repository: RepositoryName, digest: Digest): Promise<ManifestRecord | null> {
    return this.#database.firstNearby<ManifestRecord>(
      ...selectManifest(COLUMNS, repository, { digest }),
    );
  }

  /**
   * Stores a manifest with all it names, and points `tags` at it: everything or nothing. A body in
   * R2 needs the intent that {@link UploadMetadata.announce} made under its key, and consumes it.
   *
   * @throws ConstraintError "foreign key" when the repository lacks something that it names,
   *   "guard" when a condition does not hold
   */
  async put(
    repository: RepositoryName,
    manifest: NewManifest,
    tags: readonly Tag[],
    conditions: readonly TagCondition[],
    actor: Actor,
  ): Promise<void> {
    await this.#database.batch([
      ...conditions.map((condition) => guardTag(repository, condition)),
      ...insertManifest(repository, manifest),
      ...(manifest.key === null ? [] : consumeIntent(manifest.key)),
      ...linkReferences(repository, manifest),
      record(actor, {
        event: 'manifest.push',
        namespace: namespaceOf(repository),
        repository,
        target: manifest.digest,
        after: manifest.mediaType,
      }),
      ...setTags(repository, tags, manifest.digest, actor),
    ]);
  }

  /**
   * Deletes a manifest and the tags that point to it; false when it was not there.
   *
   * @throws ConstraintError ("foreign key") when an index names it
   */
  async delete(repository: RepositoryName, digest: Digest, actor: Actor): Promise<boolean> {
    const where = `repository_id = ${REPOSITORY_ID} AND digest = ?2`;
    const results = await this.#database.batch([
      queueReferences(
        repository,
        digest,
        'blob',
        'manifest_blobs',
        'blob_digest',
        'manifest_digest',
      ),
      queueReferences(
        repository,
        digest,
        'manifest',
        'manifest_children',
        'child_digest',
        'index_digest',
      ),
      [
        `INSERT INTO trash (r2_key, delete_after)
         SELECT r2_key, unixepoch() + ${TRASH_GRACE} FROM manifests
         WHERE ${where} AND r2_key IS NOT NULL`,
        repository,
        digest,
      ],
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
      [`DELETE FROM tags WHERE ${where}`, repository, digest],
      [`DELETE FROM manifests WHERE ${where} RETURNING digest`, repository, digest],
    ]);
    return results.at(-1)?.length === 1;
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
         WHERE repositories.name = ?1 AND tags.name = ?2`,
        repository,
        reference.tag,
      ]
    : [
        `SELECT ${columns} FROM repositories
         JOIN manifests ON manifests.repository_id = repositories.id
         WHERE repositories.name = ?1 AND manifests.digest = ?2`,
        repository,
        reference.digest,
      ];
}

function insertManifest(repository: RepositoryName, manifest: NewManifest): Statement[] {
  const { digest, mediaType, size, body, key, artifactType, subject } = manifest;
  return [
    [
      'INSERT INTO repositories (name, namespace) VALUES (?1, ?2) ON CONFLICT DO NOTHING',
      repository,
      namespaceOf(repository),
    ],
    [
      `INSERT INTO manifests
         (repository_id, digest, media_type, size, body, r2_key, artifact_type, subject_digest)
       VALUES (${REPOSITORY_ID}, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
       ON CONFLICT (repository_id, digest) DO UPDATE SET pushed_at = unixepoch()`,
      repository,
      digest,
      mediaType,
      size,
      body,
      key,
      artifactType,
      subject,
    ],
  ];
}

/** Ends the intent to write `key`. If the manifest was pushed before, the older object stays. */
function consumeIntent(key: string): Statement[] {
  return [
    ['INSERT INTO guard SELECT EXISTS (SELECT 1 FROM uploads WHERE r2_key = ?1)', key],
    ['DELETE FROM uploads WHERE r2_key = ?1', key],
    [
      `INSERT INTO trash (r2_key, delete_after)
       SELECT ?1, unixepoch() + ${TRASH_GRACE}
       WHERE NOT EXISTS (SELECT 1 FROM manifests WHERE r2_key = ?1)`,
      key,
    ],
  ];
}

function linkReferences(repository: RepositoryName, manifest: NewManifest): Statement[] {
  const link = (target: string, digests: readonly Digest[], condition = 'true'): Statement[] =>
    digests.length === 0
      ? []
      : [
          [
            `INSERT INTO ${target}
             SELECT repositories.id, ?2, value FROM json_each(?3), repositories
             WHERE repositories.name = ?1 AND ${condition}
             ON CONFLICT DO NOTHING`,
            repository,
            manifest.digest,
            JSON.stringify(digests),
          ],
        ];
  const isLinked = `EXISTS (SELECT 1 FROM repository_blobs AS links
    WHERE links.repository_id = repositories.id AND links.digest = value)`;
  return [
    ...link('manifest_blobs (repository_id, manifest_digest, blob_digest)', manifest.blobs),
    ...link(
      'manifest_blobs (repository_id, manifest_digest, blob_digest)',
      manifest.externalBlobs,
      isLinked,
    ),
    ...link('manifest_children (repository_id, index_digest, child_digest)', manifest.children),
  ];
}

function queueReferences(
  repository: RepositoryName,
  digest: Digest,
  kind: 'blob' | 'manifest',
  table: string,
  referenced: string,
  referrer: string,
): Statement {
  return [
    `INSERT INTO collection_queue (repository_id, kind, digest, review_after)
     SELECT repository_id, '${kind}', ${referenced}, unixepoch() + ${REVIEW_DELAY} FROM ${table}
     WHERE repository_id = ${REPOSITORY_ID} AND ${referrer} = ?2
     ON CONFLICT DO UPDATE SET review_after = excluded.review_after`,
    repository,
    digest,
  ];
}
