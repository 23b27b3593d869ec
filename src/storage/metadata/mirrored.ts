import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, record } from './audit.ts';
import type { Database } from './database.ts';
import type { Lifetimes } from './lifetimes.ts';
import { type NewManifest, storeManifest } from './store-manifest.ts';
import { setTags } from './tags.ts';
import { withinQuota } from './within-quota.ts';

/** What a mirrored manifest names, which need not be here. */
export interface NamedContent {
  digest: Digest;
  kind: 'blob' | 'manifest';
  size: number; // bytes
  platform: string | null; // as "linux/arm64"
}

/** A tag as it was when the upstream was last asked. */
export interface CheckedTag {
  digest: Digest;
  age: number; // seconds
}

const REPOSITORY_ID = '(SELECT id FROM repositories WHERE name = ?1)';

/** What was fetched from upstreams. */
export class MirroredMetadata {
  readonly #database: Database;
  readonly #lifetimes: Lifetimes;

  constructor(database: Database, lifetimes: Lifetimes) {
    this.#database = database;
    this.#lifetimes = lifetimes;
  }

  /** What a tag names here; null when it does not, or the upstream was never asked for it. */
  findTag(repository: RepositoryName, tag: Tag): Promise<CheckedTag | null> {
    return this.#database.first<CheckedTag>(
      `SELECT tags.digest, unixepoch() - checked_at AS age FROM upstream_tags AS checks
       JOIN tags ON tags.repository_id = checks.repository_id AND tags.name = checks.name
       WHERE checks.repository_id = ${REPOSITORY_ID} AND checks.name = ?2`,
      repository,
      tag,
    );
  }

  /** Notes that the upstream was asked for a tag just now, and that it names what it does here. */
  async confirmTag(repository: RepositoryName, tag: Tag): Promise<void> {
    await this.#database.batch([confirmTag(repository, tag)]);
  }

  /** What a manifest of the repository says of content that was not fetched yet, or null. */
  findUnfetched(repository: RepositoryName, digest: Digest): Promise<NamedContent | null> {
    return this.#database.first<NamedContent>(
      `SELECT digest, kind, size, platform FROM unfetched_content
       WHERE repository_id = ${REPOSITORY_ID} AND digest = ?2 LIMIT 1`,
      repository,
      digest,
    );
  }

  /**
   * Links a blob that a manifest of the repository names, and that another of the same namespace has.
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
       WHERE name = ?1
         AND EXISTS (SELECT 1 FROM unfetched_content
           WHERE repository_id = repositories.id AND digest = ?2 AND kind = 'blob')
         AND EXISTS (SELECT 1 FROM namespace_content
           JOIN blobs USING (digest)
           WHERE namespace_content.namespace = repositories.namespace
             AND namespace_content.digest = ?2)
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
   * @throws QUOTA_OF_BYTES_EXCEEDED, QUOTA_OF_REPOSITORIES_EXCEEDED, RESTORE_UNDER_WAY
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
    const list = JSON.stringify(named);
    await withinQuota(this.#database, namespaceOf(repository), () =>
      this.#database.batch([
        ...storeManifest(repository, bare, this.#lifetimes.trash),
        [
          `INSERT INTO unfetched_content
             (repository_id, digest, manifest_digest, kind, size, platform)
           SELECT ${REPOSITORY_ID}, value ->> 'digest', ?2, value ->> 'kind', value ->> 'size',
             value ->> 'platform'
           FROM json_each(?3) WHERE true ON CONFLICT DO NOTHING`,
          repository,
          digest,
          list,
        ],
        ...KINDS.map(
          ({ kind, edges, owner, target, source }) =>
            [
              `INSERT INTO ${edges} (repository_id, ${owner}, ${target})
               SELECT unfetched.repository_id, unfetched.manifest_digest, unfetched.digest
               FROM unfetched_content AS unfetched JOIN ${source} AS sources
                 ON sources.repository_id = unfetched.repository_id
                   AND sources.digest = unfetched.digest
               WHERE unfetched.repository_id = ${REPOSITORY_ID}
                 AND unfetched.manifest_digest = ?2 AND kind = '${kind}'
               ON CONFLICT DO NOTHING`,
              repository,
              digest,
            ] as const,
        ),
        [
          `DELETE FROM unfetched_content
           WHERE repository_id = ${REPOSITORY_ID} AND manifest_digest = ?2 AND (
             EXISTS (SELECT 1 FROM manifest_blobs AS edges
               WHERE edges.repository_id = unfetched_content.repository_id
                 AND edges.manifest_digest = ?2 AND edges.blob_digest = unfetched_content.digest)
             OR EXISTS (SELECT 1 FROM manifest_children AS edges
               WHERE edges.repository_id = unfetched_content.repository_id
                 AND edges.index_digest = ?2 AND edges.child_digest = unfetched_content.digest))`,
          repository,
          digest,
        ],
        record(actor, {
          event: 'manifest.mirror',
          namespace: namespaceOf(repository),
          repository,
          target: digest,
          after: manifest.mediaType,
        }),
        ...(tag === null
          ? []
          : [...setTags(repository, [{ name: tag, digest }], actor), confirmTag(repository, tag)]),
      ]),
    );
  }
}

const KINDS = [
  {
    kind: 'blob',
    edges: 'manifest_blobs',
    owner: 'manifest_digest',
    target: 'blob_digest',
    source: 'repository_blobs',
  },
  {
    kind: 'manifest',
    edges: 'manifest_children',
    owner: 'index_digest',
    target: 'child_digest',
    source: 'manifests',
  },
] as const;

const confirmTag = (repository: RepositoryName, tag: Tag) =>
  [
    `INSERT INTO upstream_tags (repository_id, name, checked_at)
     SELECT id, ?2, unixepoch() FROM repositories WHERE name = ?1
     ON CONFLICT DO UPDATE SET checked_at = excluded.checked_at`,
    repository,
    tag,
  ] as const;
