import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Database } from './database.ts';
import type { ManifestWithBody } from './manifests.ts';

/** What became of a manifest: it is there, or can be restored until a time, or neither. */
export interface Whereabouts {
  isThere: boolean;
  restorableUntil: number | null; // seconds since the epoch
}

/** A move of a tag, or its deletion. */
export interface TagChange extends Whereabouts {
  id: number;
  digest: Digest | null; // what it names from then on; null: it was deleted
  previous: Digest | null; // what it named until then
  at: number; // seconds since the epoch
  principal: string; // '' where nobody knows
}

/** A tag that is deleted: {@link Whereabouts} are those of what it named last. */
export interface DeletedTag extends Whereabouts {
  name: Tag;
  digest: Digest;
  deletedAt: number; // seconds since the epoch
  principal: string;
}

/** What a tag named at a time: the manifest, where it still is. */
export interface PastManifest {
  named: Digest | null; // null: nothing
  manifest: ManifestWithBody | null;
  restorableUntil: number | null; // seconds since the epoch
}

type Stored<Row extends Whereabouts> = Omit<Row, 'isThere'> & { isThere: number };

/** Columns of {@link Whereabouts}, of the digest that an expression gives. */
const whereaboutsOf = (digest: string) => `
  EXISTS (SELECT 1 FROM manifests
    WHERE manifests.repository_id = history.repository_id AND manifests.digest = ${digest}) AS isThere,
  (SELECT expires_at FROM deleted_manifests AS deleted
   WHERE deleted.repository_id = history.repository_id AND deleted.digest = ${digest}
     AND expires_at > unixepoch()) AS restorableUntil`;

const CHANGE = `history.id, history.digest, history.previous, history.at, history.principal,
  ${whereaboutsOf('history.digest')}`;

const OF_REPOSITORY = `tag_history AS history
  JOIN repositories ON repositories.id = history.repository_id AND repositories.name = ?1`;

/** The condition that nothing happened to the tag since. */
export const IS_NEWEST = `NOT EXISTS (SELECT 1 FROM tag_history AS newer
  WHERE newer.repository_id = history.repository_id AND newer.name = history.name
    AND newer.id > history.id)`;

/** What each tag named and when: a trigger keeps it with the audit log. */
export class TagHistoryMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** At most `limit` changes of a tag before the one with the id `before`, the newest first. */
  async list(
    repository: RepositoryName,
    tag: Tag,
    before: number,
    limit: number,
  ): Promise<TagChange[]> {
    const rows = await this.#database.all<Stored<TagChange>>(
      `SELECT ${CHANGE} FROM ${OF_REPOSITORY}
       WHERE history.name = ?2 AND history.id < ?3 ORDER BY history.id DESC LIMIT ?4`,
      repository,
      tag,
      before,
      limit,
    );
    return rows.map(withBoolean);
  }

  /** The change that a tag had gone through last at a time (seconds since the epoch), or null. */
  async lastChange(repository: RepositoryName, tag: Tag, at: number): Promise<TagChange | null> {
    const row = await this.#database.first<Stored<TagChange>>(
      `SELECT ${CHANGE} FROM ${OF_REPOSITORY}
       WHERE history.name = ?2 AND history.at <= ?3 ORDER BY history.id DESC LIMIT 1`,
      repository,
      tag,
      at,
    );
    return row === null ? null : withBoolean(row);
  }

  /** Whether a tag has named a digest. */
  async hasNamed(repository: RepositoryName, tag: Tag, digest: Digest): Promise<boolean> {
    const row = await this.#database.first(
      `SELECT history.id FROM ${OF_REPOSITORY}
       WHERE history.name = ?2 AND ?3 IN (history.digest, history.previous) LIMIT 1`,
      repository,
      tag,
      digest,
    );
    return row !== null;
  }

  /** At most `limit` deleted tags after `last`, in byte order. */
  async listDeleted(
    repository: RepositoryName,
    last: string,
    limit: number,
  ): Promise<DeletedTag[]> {
    const rows = await this.#database.all<Stored<DeletedTag>>(
      `SELECT history.name, history.previous AS digest, history.at AS deletedAt, history.principal,
         ${whereaboutsOf('history.previous')}
       FROM tag_history AS history INDEXED BY tag_history_deletions
       WHERE history.repository_id = (SELECT id FROM repositories WHERE name = ?1)
         AND history.digest IS NULL AND history.name > ?2 AND ${IS_NEWEST}
       ORDER BY history.name LIMIT ?3`,
      repository,
      last,
      limit,
    );
    return rows.map(withBoolean);
  }

  /** What a tag named at a time (seconds since the epoch); null when there is no such repository. */
  async manifestAt(repository: RepositoryName, tag: Tag, at: number): Promise<PastManifest | null> {
    const row = await this.#database.first<
      ManifestWithBody & { named: Digest | null; isThere: number; restorableUntil: number | null }
    >(
      `SELECT history.digest AS named, ${whereaboutsOf('history.digest')},
         manifests.digest, manifests.media_type AS mediaType, manifests.size,
         manifests.r2_key AS key, manifests.body
       FROM repositories
       LEFT JOIN tag_history AS history
         ON history.repository_id = repositories.id AND history.name = ?2 AND history.id = (
           SELECT id FROM tag_history AS past
           WHERE past.repository_id = repositories.id AND past.name = ?2 AND past.at <= ?3
           ORDER BY id DESC LIMIT 1)
       LEFT JOIN manifests
         ON manifests.repository_id = repositories.id AND manifests.digest = history.digest
       WHERE repositories.name = ?1`,
      repository,
      tag,
      at,
    );
    if (row === null) {
      return null;
    }
    const { named, isThere, restorableUntil, ...manifest } = row;
    return { named, manifest: isThere === 1 ? manifest : null, restorableUntil };
  }
}

function withBoolean<Row extends Whereabouts>(row: Stored<Row>): Row {
  return { ...row, isThere: row.isThere === 1 } as unknown as Row;
}
