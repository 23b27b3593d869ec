import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, record } from './audit.ts';
import type { Database, Statement } from './database.ts';
import { guardFound, runGuarded } from './guarded-batch.ts';
import type { Lifetimes } from './lifetimes.ts';
import { type NewManifest, storeManifest } from './store-manifest.ts';
import { setTags } from './tags.ts';
import { withinQuota } from './within-quota.ts';

/** What a mirrored manifest names, which need not be here. */
export interface NamedContent {
  digest: Digest;
  kind: 'blob' | 'external' | 'manifest'; // external: a layer that registries need not hold
  size: number; // bytes
  platform: string | null; // as "linux/arm64"
}

/** A tag as it was when the upstream was last asked. */
export interface CheckedTag {
  digest: Digest;
  age: number; // seconds; infinite when it was never asked
}

/** So many of what a manifest names are one parameter, which may have 2 MB. */
const MAX_NAMED = 1000;

const REPOSITORY_ID = '(SELECT id FROM repositories WHERE name = ?1)';

/** What was fetched from upstreams. */
export class MirroredMetadata {
  readonly #database: Database;
  readonly #lifetimes: Lifetimes;

  constructor(database: Database, lifetimes: Lifetimes) {
    this.#database = database;
    this.#lifetimes = lifetimes;
  }

  /** What a tag names here, or null. One that was restored was never asked for. */
  async findTag(repository: RepositoryName, tag: Tag): Promise<CheckedTag | null> {
    const row = await this.#database.first<{ digest: Digest; age: number | null }>(
      `SELECT tags.digest, unixepoch() - checked_at AS age FROM tags
       LEFT JOIN upstream_tags AS checks
         ON checks.repository_id = tags.repository_id AND checks.name = tags.name
       WHERE tags.repository_id = ${REPOSITORY_ID} AND tags.name = ?2`,
      repository,
      tag,
    );
    return row === null ? null : { ...row, age: row.age ?? Number.POSITIVE_INFINITY };
  }

  /** Notes that the upstream was asked for a tag just now, and that it names what it does here. */
  async confirmTag(repository: RepositoryName, tag: Tag): Promise<void> {
    await this.#database.batch([confirmTag(repository, tag)]);
  }

  /**
   * Notes what a tag names at the upstream as of now, if that manifest is here; else false.
   *
   * @throws TAG_IMMUTABLE, RESTORE_UNDER_WAY
   */
  pointTag(repository: RepositoryName, tag: Tag, digest: Digest, actor: Actor): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(
        `SELECT 1 FROM manifests WHERE repository_id = ${REPOSITORY_ID} AND digest = ?2`,
        repository,
        digest,
      ),
      ...moveTag(repository, tag, digest, actor),
    ]);
  }

  /** What a manifest of the repository says of a blob or a manifest that was not fetched yet, or null. */
  findUnfetched(
    repository: RepositoryName,
    digest: Digest,
    kind: 'blob' | 'manifest',
  ): Promise<NamedContent | null> {
    return this.#database.first<NamedContent>(
      `SELECT digest, kind, size, platform FROM unfetched_content
       WHERE repository_id = ${REPOSITORY_ID} AND digest = ?2
         AND (kind = 'manifest') = (?3 = 'manifest') LIMIT 1`,
      repository,
      digest,
      kind,
    );
  }

  /**
   * Whether another repository of the mirror has a blob that a manifest of this one names. What registries
   * need not hold does not count: anybody may name any digest as such.
   */
  async isElsewhere(repository: RepositoryName, digest: Digest): Promise<boolean> {
    const row = await this.#database.first(
      `SELECT 1 FROM repositories WHERE name = ?1 AND ${IS_ELSEWHERE}`,
      repository,
      digest,
    );
    return row !== null;
  }

  /**
   * Links a blob that {@link isElsewhere}. Whether this repository may have it, the upstream has to say.
   * False when there is none such.
   *
   * @throws RESTORE_UNDER_WAY
   */
  async adopt(repository: RepositoryName, digest: Digest): Promise<boolean> {
    const [, rows] = await this.#database.batch([
      ['INSERT INTO waits_for_restores VALUES (1)'],
      [
        `INSERT INTO repository_blobs (repository_id, digest, lease_until)
         SELECT repositories.id, ?2, unixepoch() + ?3 FROM repositories
         WHERE name = ?1 AND ${IS_ELSEWHERE}
         ON CONFLICT DO NOTHING RETURNING digest`,
        repository,
        digest,
        this.#lifetimes.lease,
      ],
    ]);
    return rows?.length === 1;
  }

  /**
   * Stores a manifest of which not all that it names is here, and points a tag at it, if any.
   *
   * @throws QUOTA_OF_BYTES_EXCEEDED, QUOTA_OF_REPOSITORIES_EXCEEDED, RESTORE_UNDER_WAY, TAG_IMMUTABLE,
   *   NAME_UNKNOWN where the namespace makes no repositories; ConstraintError when the intent is over
   */
  async put(
    repository: RepositoryName,
    manifest: NewManifest,
    named: readonly NamedContent[],
    tag: Tag | null,
    actor: Actor,
  ): Promise<void> {
    const { digest } = manifest;
    const bare = { ...manifest, blobs: [], externalBlobs: [], children: [] };
    await withinQuota(this.#database, namespaceOf(repository), () =>
      this.#database.batch([
        ...storeManifest(repository, bare, this.#lifetimes.trash),
        ...nameContent(repository, digest, named),
        record(actor, {
          event: 'manifest.mirror',
          namespace: namespaceOf(repository),
          repository,
          target: digest,
          after: manifest.mediaType,
        }),
        ...(tag === null ? [] : moveTag(repository, tag, digest, actor)),
      ]),
    );
  }
}

/** Of a row of repositories, and the digest ?2. */
const IS_ELSEWHERE = `EXISTS (SELECT 1 FROM unfetched_content
    WHERE repository_id = repositories.id AND digest = ?2 AND kind = 'blob')
  AND EXISTS (SELECT 1 FROM namespace_content JOIN blobs USING (digest)
    WHERE namespace_content.namespace = repositories.namespace AND namespace_content.digest = ?2)`;

/** Notes what a manifest names, and gives it what is here of that. */
function nameContent(
  repository: RepositoryName,
  digest: Digest,
  named: readonly NamedContent[],
): Statement[] {
  const slices = Array.from({ length: Math.ceil(named.length / MAX_NAMED) }, (_, index) =>
    named.slice(index * MAX_NAMED, (index + 1) * MAX_NAMED),
  );
  return [
    ...slices.map(
      (slice): Statement => [
        `INSERT INTO unfetched_content
           (repository_id, digest, manifest_digest, kind, size, platform)
         SELECT ${REPOSITORY_ID}, value ->> 'digest', ?2, value ->> 'kind', value ->> 'size',
           value ->> 'platform'
         FROM json_each(?3) WHERE true ON CONFLICT DO NOTHING`,
        repository,
        digest,
        JSON.stringify(slice),
      ],
    ),
    [
      `INSERT INTO fetched
         SELECT repository_id, digest, 'blob'
         FROM unfetched_content JOIN repository_blobs USING (repository_id, digest)
         WHERE repository_id = ${REPOSITORY_ID} AND manifest_digest = ?2 AND kind <> 'manifest'
         UNION ALL
         SELECT repository_id, digest, 'manifest'
         FROM unfetched_content JOIN manifests USING (repository_id, digest)
         WHERE repository_id = ${REPOSITORY_ID} AND manifest_digest = ?2 AND kind = 'manifest'`,
      repository,
      digest,
    ],
  ];
}

/** Points a tag where it points at the upstream, which was asked just now. */
function moveTag(repository: RepositoryName, tag: Tag, digest: Digest, actor: Actor): Statement[] {
  return [...setTags(repository, [{ name: tag, digest }], actor), confirmTag(repository, tag)];
}

function confirmTag(repository: RepositoryName, tag: Tag): Statement {
  return [
    `INSERT INTO upstream_tags (repository_id, name, checked_at)
     SELECT id, ?2, unixepoch() FROM repositories WHERE name = ?1
     ON CONFLICT DO UPDATE SET checked_at = excluded.checked_at`,
    repository,
    tag,
  ];
}
