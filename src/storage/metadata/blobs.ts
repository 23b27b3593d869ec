import type { Digest } from '../../oci/digest.ts';
import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, recordEach } from './audit.ts';
import { isWhole } from './damage.ts';
import type { Database, Source, Statement } from './database.ts';
import type { Lifetimes } from './lifetimes.ts';
import { missingFrom } from './missing.ts';
import { trashUnlinkedBlob } from './trash.ts';
import { withinQuota } from './within-quota.ts';

/** A blob, and where it is. */
export interface BlobRecord {
  digest: Digest;
  key: string; // in R2
  size: number; // bytes
}

/** With what is left of the lease of its link. */
interface LeasedBlob extends BlobRecord {
  lease: number; // seconds
}

const FIND = `
  SELECT links.digest, blobs.r2_key AS key, blobs.size,
    links.lease_until - unixepoch() AS lease
  FROM repositories
  JOIN repository_blobs AS links ON links.repository_id = repositories.id
  JOIN blobs ON blobs.digest = links.digest
  WHERE repositories.name = ?1 AND links.digest = ?2 AND ${isWhole('blobs.r2_key')}`;

/** Blobs and the links by which repositories see them. */
export class BlobMetadata {
  readonly #database: Database;
  readonly #lifetimes: Lifetimes;

  constructor(database: Database, lifetimes: Lifetimes) {
    this.#database = database;
    this.#lifetimes = lifetimes;
  }

  /** One whose object is damaged is not found: so it is pushed again. */
  find(
    repository: RepositoryName,
    digest: Digest,
    source: Source = 'primary',
  ): Promise<BlobRecord | null> {
    return this.#database.firstFrom<BlobRecord>(source, FIND, repository, digest);
  }

  /** Like {@link find}, and renews the lease for a pusher who goes on to name the blob. */
  async findAndLease(repository: RepositoryName, digest: Digest): Promise<BlobRecord | null> {
    const blob = await this.#database.first<LeasedBlob>(FIND, repository, digest);
    // Half a lease that is left is enough: most HEADs then write nothing.
    if (blob === null || blob.lease >= this.#lifetimes.lease / 2) {
      return blob;
    }
    const renewed = await this.#database.first(
      `UPDATE repository_blobs SET lease_until = unixepoch() + ${this.#lifetimes.lease}
       WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1) AND digest = ?2
       RETURNING digest`,
      repository,
      digest,
    );
    return renewed === null ? null : blob; // null: it was unlinked just now
  }

  /**
   * Links a blob that one of `from` sees into `to`. False when none does; then nothing changes. The
   * entry is written when the link is new, and names the first of `from` that sees the blob.
   *
   * @throws NAME_UNKNOWN where pushes make no repositories and `to` is not there;
   *   QUOTA_OF_BYTES_EXCEEDED, QUOTA_OF_REPOSITORIES_EXCEEDED, RESTORE_UNDER_WAY
   */
  async mount(
    to: RepositoryName,
    digest: Digest,
    from: readonly RepositoryName[] | 'all',
    actor: Actor,
  ): Promise<boolean> {
    const sources = JSON.stringify(from === 'all' ? null : from);
    const isThere = isSeen('?2', '?3');
    const statements: Statement[] = [
      ['INSERT INTO waits_for_restores VALUES (1)'],
      recordMount(to, digest, sources, actor),
      [
        `INSERT INTO pushed_to (repository, namespace) SELECT ?1, ?4 WHERE ${isThere}`,
        to,
        digest,
        sources,
        namespaceOf(to),
      ],
      [
        `INSERT INTO repository_blobs (repository_id, digest, lease_until)
         SELECT id, ?2, unixepoch() + ${this.#lifetimes.lease} FROM repositories
         WHERE name = ?1 AND ${isThere}
         ON CONFLICT DO UPDATE SET lease_until = max(lease_until, excluded.lease_until)
         RETURNING digest`,
        to,
        digest,
        sources,
      ],
    ];
    const results = await withinQuota(this.#database, namespaceOf(to), () =>
      this.#database.batch(statements),
    );
    return results.at(-1)?.length === 1;
  }

  /**
   * Takes a blob out of a repository; false when it was not in it.
   *
   * @throws ConstraintError ("foreign key") when a manifest of the repository names it
   */
  async unlink(repository: RepositoryName, digest: Digest, actor: Actor): Promise<boolean> {
    const unlink: Statement = [
      `DELETE FROM repository_blobs
       WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1) AND digest = ?2
       RETURNING digest`,
      repository,
      digest,
    ];
    const note = recordEach(
      actor,
      'blob.delete',
      repository,
      { target: '?5', before: 'NULL', after: 'NULL' },
      `repositories JOIN repository_blobs AS links
         ON links.repository_id = repositories.id AND links.digest = ?5
       WHERE repositories.name = ?4`,
      [digest],
    );
    const [, unlinked] = await this.#database.batch([
      note,
      unlink,
      ...trashUnlinkedBlob(digest, this.#lifetimes.trash),
    ]);
    return unlinked?.length === 1;
  }

  /** At most `limit` of `digests` that the repository does not see. */
  missing(
    repository: RepositoryName,
    digests: readonly Digest[],
    limit: number,
  ): Promise<Digest[]> {
    return missingFrom('repository_blobs', this.#database, repository, digests, limit);
  }
}

/** The repositories of a JSON list that see a blob: the text behind FROM. */
function seenBy(digest: string, sources: string): string {
  return `json_each(${sources}) AS asked
    JOIN repositories AS sources ON sources.name = asked.value
    JOIN repository_blobs AS links
      ON links.repository_id = sources.id AND links.digest = ${digest}`;
}

/** The condition that one of a JSON list sees a whole blob, or, where the list is null, anybody. */
function isSeen(digest: string, sources: string): string {
  const isReadable = `EXISTS (SELECT 1 FROM blobs
    WHERE digest = ${digest} AND ${isWhole('blobs.r2_key')})`;
  return `(${isReadable} AND (EXISTS (SELECT 1 FROM ${seenBy(digest, sources)}) OR
    ${sources} = 'null' AND EXISTS (SELECT 1 FROM repository_blobs WHERE digest = ${digest})))`;
}

/**
 * Notes a mount that makes a link: for its batch, before that. Its source is named when it is of the
 * same namespace: those who read the log there may not know of others.
 */
function recordMount(to: RepositoryName, digest: Digest, sources: string, actor: Actor): Statement {
  const source = `SELECT asked.value FROM ${seenBy('?5', '?6')}
    WHERE sources.namespace = ?7 ORDER BY asked.key LIMIT 1`;
  return recordEach(
    actor,
    'blob.mount',
    to,
    { target: '?5', before: `(${source})`, after: 'NULL' },
    `(SELECT 1) WHERE ${isSeen('?5', '?6')} AND NOT EXISTS (
       SELECT 1 FROM repositories JOIN repository_blobs AS links
         ON links.repository_id = repositories.id AND links.digest = ?5
       WHERE repositories.name = ?4)`,
    [digest, sources, namespaceOf(to)],
  );
}
