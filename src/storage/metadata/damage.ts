import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Actor } from './audit.ts';
import type { Database, Statement } from './database.ts';

/** What can be wrong with an object: it is not there, or has another size or hash than its row says. */
export type Damage = 'missing' | 'size' | 'digest';

/** An object that is not what the row that names it says. */
export interface DamagedObject {
  key: string;
  digest: Digest;
  damage: Damage;
}

/** The condition that an object may be read; `key` is a column, and NULL for what is not in R2. */
export function isWhole(key: string): string {
  return `NOT EXISTS (SELECT 1 FROM damaged_objects WHERE damaged_objects.r2_key = ${key})`;
}

/**
 * For the batch that stores new bytes of a blob or manifest: the object that `source` (the text behind
 * FROM, with the column r2_key) has so far goes to the trash if it is damaged.
 */
export function trashDamaged(source: string, ...parameters: (string | number)[]): Statement {
  return [
    `INSERT INTO trash (r2_key, delete_after)
     SELECT r2_key, unixepoch() + ?1 FROM ${source}
       AND r2_key IN (SELECT damaged_objects.r2_key FROM damaged_objects)`,
    ...parameters,
  ];
}

/** ?1 is JSON of {@link DamagedObject}s: those that a row still names. */
const STILL_NAMED = `SELECT value ->> 'key' AS key, value ->> 'digest' AS digest,
    value ->> 'damage' AS damage
  FROM json_each(?1)
  WHERE ${['blobs', 'manifests', 'deleted_manifests']
    .map((table) => `EXISTS (SELECT 1 FROM ${table} WHERE r2_key = value ->> 'key')`)
    .join(' OR ')}`;

/** Marks on objects that nobody shall read. */
export class DamageMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Marks those objects that a row still names, and takes the mark from those that are `whole`.
   *
   * @returns those that are damaged, marked now or before
   */
  async mark(
    damaged: readonly DamagedObject[],
    whole: readonly string[],
    actor: Actor,
  ): Promise<DamagedObject[]> {
    const objects = JSON.stringify(damaged);
    const [named = []] = await this.#database.batch([
      [STILL_NAMED, objects],
      [
        `INSERT INTO audit (event, principal, address, target, after)
         SELECT 'object.damaged', ?2, ?3, digest, damage FROM (${STILL_NAMED})
         WHERE ${isWhole('key')}`,
        objects,
        actor.principal,
        actor.address,
      ],
      [
        `INSERT INTO damaged_objects (r2_key, problem)
         SELECT key, damage FROM (${STILL_NAMED}) WHERE true
         ON CONFLICT DO UPDATE SET problem = excluded.problem`,
        objects,
      ],
      [
        'DELETE FROM damaged_objects WHERE r2_key IN (SELECT value FROM json_each(?1))',
        JSON.stringify(whole),
      ],
    ]);
    return named as DamagedObject[];
  }

  /** At most `limit` repositories that see one of these objects. */
  seers(
    objects: readonly DamagedObject[],
    limit: number,
  ): Promise<{ repository: RepositoryName; kind: 'blobs' | 'manifests'; digest: Digest }[]> {
    return this.#database.all(
      `WITH keys (key) AS (SELECT value ->> 'key' FROM json_each(?1))
       SELECT repositories.name AS repository, 'blobs' AS kind, blobs.digest AS digest
       FROM keys JOIN blobs ON blobs.r2_key = key
         JOIN repository_blobs AS links ON links.digest = blobs.digest
         JOIN repositories ON repositories.id = links.repository_id
       UNION ALL
       SELECT repositories.name, 'manifests', manifests.digest
       FROM keys JOIN manifests ON manifests.r2_key = key
         JOIN repositories ON repositories.id = manifests.repository_id
       LIMIT ?2`,
      JSON.stringify(objects),
      limit,
    );
  }

  /** Whether a repository sees a blob that is damaged. */
  async hasBlob(repository: RepositoryName, digest: Digest): Promise<boolean> {
    const row = await this.#database.first(
      `SELECT 1 FROM repositories
       JOIN repository_blobs AS links ON links.repository_id = repositories.id
       JOIN blobs ON blobs.digest = links.digest
       WHERE repositories.name = ?1 AND links.digest = ?2 AND NOT ${isWhole('blobs.r2_key')}`,
      repository,
      digest,
    );
    return row !== null;
  }
}
