import type { Digest } from '../../oci/digest.ts';
import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import type { Database, Statement } from './database.ts';
import { LEASE } from './lifetimes.ts';
import { missingFrom } from './missing.ts';
import { trashUnlinkedBlob } from './trash.ts';

/** Where a blob is, and its size in bytes. */
export interface BlobRecord {
  key: string;
  size: number;
}

const FIND = `
  SELECT blobs.r2_key AS key, blobs.size
  FROM repositories
  JOIN repository_blobs AS links ON links.repository_id = repositories.id
  JOIN blobs ON blobs.digest = links.digest
  WHERE repositories.name = ?1 AND links.digest = ?2`;

/** Blobs and the links by which repositories see them. */
export class BlobMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  find(repository: RepositoryName, digest: Digest): Promise<BlobRecord | null> {
    return this.#database.first<BlobRecord>(FIND, repository, digest);
  }

  /** Like {@link find}, and renews the lease for a pusher who goes on to name the blob. */
  async findAndLease(repository: RepositoryName, digest: Digest): Promise<BlobRecord | null> {
    const [, found] = await this.#database.batch([
      // Half a lease that is left is enough: most HEADs then write nothing.
      [
        `UPDATE repository_blobs SET lease_until = unixepoch() + ${LEASE}
         WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1) AND digest = ?2
           AND lease_until < unixepoch() + ${LEASE / 2}`,
        repository,
        digest,
      ],
      [FIND, repository, digest],
    ]);
    return (found as BlobRecord[])[0] ?? null;
  }

  /**
   * Links a blob that `from` sees, or any repository when `from` is null, into `to`.
   * False when it is not there; then nothing changes.
   */
  async mount(to: RepositoryName, digest: Digest, from: RepositoryName | null): Promise<boolean> {
    const isThere = `EXISTS (
      SELECT 1 FROM repository_blobs AS links
      JOIN repositories AS sources ON sources.id = links.repository_id
      WHERE links.digest = ?2 AND (?3 IS NULL OR sources.name = ?3))`;
    const [, linked] = await this.#database.batch([
      [
        `INSERT INTO repositories (name, namespace) SELECT ?1, ?4 WHERE ${isThere}
         ON CONFLICT DO NOTHING`,
        to,
        digest,
        from,
        namespaceOf(to),
      ],
      [
        `INSERT INTO repository_blobs (repository_id, digest, lease_until)
         SELECT id, ?2, unixepoch() + ${LEASE} FROM repositories
         WHERE name = ?1 AND ${isThere}
         ON CONFLICT DO UPDATE SET lease_until = max(lease_until, excluded.lease_until)
         RETURNING digest`,
        to,
        digest,
        from,
      ],
    ]);
    return linked?.length === 1;
  }

  /**
   * Takes a blob out of a repository; false when it was not in it.
   *
   * @throws ConstraintError ("foreign key") when a manifest of the repository names it
   */
  async unlink(repository: RepositoryName, digest: Digest): Promise<boolean> {
    const unlink: Statement = [
      `DELETE FROM repository_blobs
       WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1) AND digest = ?2
       RETURNING digest`,
      repository,
      digest,
    ];
    const [unlinked] = await this.#database.batch([unlink, ...trashUnlinkedBlob(digest)]);
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
