import type { Digest } from '../../oci/digest.ts';
import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import { trashDamaged } from './damage.ts';
import type { Database, Statement } from './database.ts';
import type { Lifetimes } from './lifetimes.ts';
import { withinQuota } from './within-quota.ts';

/** A blob that is whole in R2 and waits to be linked. */
export interface FinishedUpload {
  id: string;
  repository: RepositoryName;
  digest: Digest;
  size: number; // bytes
}

/** What an upload may bring before its commit is sure to be refused, in bytes. */
export interface Room {
  left: number; // of the namespace's quota
  largest: number; // content that the namespace has: once more it costs nothing
}

/** A {@link Room} in JSON, or NULL where there is no quota. `name` is the namespace. */
const roomOf = (name: string) => `(
  SELECT json_object('left', max(quota_bytes - used_bytes, 0), 'largest', coalesce(
    (SELECT max(size) FROM namespace_content WHERE namespace = namespaces.name), 0))
  FROM namespaces WHERE name = ${name} AND quota_bytes IS NOT NULL)`;

/**
 * Intents to write a key of R2: an upload session's, or a large manifest's, whose id is the key. A
 * row is consumed once, by the commit or by {@link abandon}: so the key of committed content never
 * reaches the trash, and a key in the trash is never committed, whatever order the two arrive in.
 */
export class UploadMetadata {
  readonly #database: Database;
  readonly #lifetimes: Lifetimes;

  constructor(database: Database, lifetimes: Lifetimes) {
    this.#database = database;
    this.#lifetimes = lifetimes;
  }

  /**
   * Announces that `id` will write `key` and commit it within `lifetime` seconds. Null when there is no
   * quota of bytes.
   */
  async announce(
    id: string,
    repository: RepositoryName,
    key: string,
    lifetime: number,
  ): Promise<Room | null> {
    const row = await this.#database.first<{ room: string | null }>(
      `INSERT INTO uploads (id, repository, r2_key, expires_at)
       VALUES (?1, ?2, ?3, unixepoch() + ?4) RETURNING ${roomOf('?5')} AS room`,
      id,
      repository,
      key,
      lifetime,
      namespaceOf(repository),
    );
    return JSON.parse(row?.room ?? 'null');
  }

  /**
   * Makes the upload a blob of its repository. When the registry has the content already, the
   * older object stays and this upload's goes to the trash; unless the older one is damaged: then it
   * is the other way round, for every repository that sees the blob. False, and nothing changes, when
   * the intent is gone: the session expired, or an earlier call committed it.
   *
   * @throws NAME_UNKNOWN where pushes make no repositories and this one is not there;
   *   QUOTA_OF_BYTES_EXCEEDED, QUOTA_OF_REPOSITORIES_EXCEEDED: the intent stays
   */
  async commit(upload: FinishedUpload): Promise<boolean> {
    const results = await withinQuota(this.#database, namespaceOf(upload.repository), () =>
      this.#database.batch(this.#commitment(upload)),
    );
    return results.at(-1)?.length === 1;
  }

  #commitment({ id, repository, digest, size }: FinishedUpload): Statement[] {
    return [
      [
        `INSERT INTO pushed_to (repository, namespace)
         SELECT repository, ?2 FROM uploads WHERE id = ?1`,
        id,
        namespaceOf(repository),
      ],
      trashDamaged(
        'blobs WHERE digest = ?2 AND EXISTS (SELECT 1 FROM uploads WHERE id = ?3)',
        this.#lifetimes.trash,
        digest,
        id,
      ),
      [
        `INSERT INTO blobs (digest, r2_key, size)
         SELECT ?2, r2_key, ?3 FROM uploads WHERE id = ?1
         ON CONFLICT (digest) DO UPDATE SET r2_key = excluded.r2_key, size = excluded.size
           WHERE blobs.r2_key IN (SELECT damaged_objects.r2_key FROM damaged_objects)`,
        id,
        digest,
        size,
      ],
      [
        `INSERT INTO trash (r2_key, delete_after)
         SELECT r2_key, unixepoch() + ${this.#lifetimes.trash} FROM uploads
         WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM blobs WHERE r2_key = uploads.r2_key)`,
        id,
      ],
      [
        `INSERT INTO repository_blobs (repository_id, digest, lease_until)
         SELECT repositories.id, ?2, unixepoch() + ${this.#lifetimes.lease}
         FROM uploads JOIN repositories ON repositories.name = uploads.repository
         WHERE uploads.id = ?1
         ON CONFLICT DO UPDATE SET lease_until = max(lease_until, excluded.lease_until)`,
        id,
        digest,
      ],
      ['DELETE FROM uploads WHERE id = ?1 RETURNING id', id],
    ];
  }

  /** Gives an intent up: what it wrote goes to the trash. Safe to repeat, and after the commit. */
  async abandon(id: string): Promise<void> {
    await this.#abandonWhere('id = ?1', id);
  }

  /** Gives up intents that are more than `seconds` past their end: a crash has forgotten them. */
  async abandonOverdue(seconds: number): Promise<void> {
    await this.#abandonWhere('expires_at < unixepoch() - ?1', seconds);
  }

  async #abandonWhere(condition: string, parameter: string | number): Promise<void> {
    await this.#database.batch([
      [
        `INSERT INTO trash (r2_key, delete_after)
         SELECT r2_key, unixepoch() + ${this.#lifetimes.trash} FROM uploads WHERE ${condition}`,
        parameter,
      ],
      [`DELETE FROM uploads WHERE ${condition}`, parameter],
    ]);
  }
}
