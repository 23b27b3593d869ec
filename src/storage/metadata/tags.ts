import type { Digest } from '../../oci/digest.ts';
import type { Reference, Tag } from '../../oci/reference.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, recordEach } from './audit.ts';
import type { Database, Statement } from './database.ts';

/**
 * Something that must be true of what `reference` names when a batch commits: that it is one of
 * `digests` (or anything at all, "*"), or, with `mustMatch` false, that it is not.
 */
export interface TagCondition {
  reference: Reference;
  mustMatch: boolean;
  digests: readonly string[] | '*';
}

/** A tag, and what it is to name. */
export interface TagTarget {
  name: Tag;
  digest: Digest;
}

/** Tags: names of manifests that can move. */
export class TagMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** At most `limit` tags after `last` in byte order, or null when the repository is unknown. */
  async list(repository: RepositoryName, last: string, limit: number): Promise<Tag[] | null> {
    const rows = await this.#database.all<{ name: Tag | null }>(
      `SELECT tags.name FROM repositories
       LEFT JOIN tags ON tags.repository_id = repositories.id AND tags.name > ?2
       WHERE repositories.name = ?1 ORDER BY tags.name LIMIT ?3`,
      repository,
      last,
      Math.max(1, limit),
    );
    if (rows.length === 0) {
      return null;
    }
    return rows.flatMap((row) => (row.name === null ? [] : [row.name])).slice(0, limit);
  }

  /** Removes a tag and leaves the manifest; false when there was none. */
  async delete(repository: RepositoryName, tag: Tag, actor: Actor): Promise<boolean> {
    const results = await this.#database.batch([
      recordRemoval(repository, 'tags.name', tag, actor),
      [
        `DELETE FROM tags
         WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1) AND name = ?2
         RETURNING name`,
        repository,
        tag,
      ],
    ]);
    return results.at(-1)?.length === 1;
  }
}

/** Points tags at manifests: for the batch that stores them. */
export function setTags(
  repository: RepositoryName,
  targets: readonly TagTarget[],
  actor: Actor,
): Statement[] {
  if (targets.length === 0) {
    return [];
  }
  const list = JSON.stringify(targets.map(({ name, digest }) => ({ name, digest })));
  return [
    recordMoves(repository, list, actor),
    [
      `INSERT INTO tags (repository_id, name, digest)
       SELECT repositories.id, value ->> 'name', value ->> 'digest' FROM json_each(?2), repositories
       WHERE repositories.name = ?1
       ON CONFLICT DO UPDATE SET digest = excluded.digest, updated_at = excluded.updated_at`,
      repository,
      list,
    ],
  ];
}

/** Rolls its batch back unless the condition holds. */
export function guardTag(repository: RepositoryName, condition: TagCondition): Statement {
  const { reference, mustMatch, digests } = condition;
  const [table, column, value] =
    'tag' in reference
      ? ['tags', 'name', reference.tag]
      : ['manifests', 'digest', reference.digest];
  return [
    `INSERT INTO guard SELECT ${mustMatch ? '' : 'NOT '}EXISTS (
       SELECT 1 FROM ${table} JOIN repositories ON repositories.id = ${table}.repository_id
       WHERE repositories.name = ?1 AND ${table}.${column} = ?2
         AND (?3 IS NULL OR ${table}.digest IN (SELECT value FROM json_each(?3))))`,
    repository,
    value,
    digests === '*' ? null : JSON.stringify(digests),
  ];
}

/** Notes which tags of a JSON list move, and from where: for the batch that sets them, before that. */
function recordMoves(repository: RepositoryName, list: string, actor: Actor): Statement {
  return recordEach(
    actor,
    'tag.set',
    repository,
    {
      target: "asked.value ->> 'name'",
      before: 'tags.digest',
      after: "asked.value ->> 'digest'",
    },
    `json_each(?5) AS asked
     LEFT JOIN repositories ON repositories.name = ?4
     LEFT JOIN tags ON tags.repository_id = repositories.id AND tags.name = asked.value ->> 'name'
     WHERE tags.digest IS NOT asked.value ->> 'digest'`,
    [list],
  );
}

/** Notes the tags that go, by their name or by the digest they name: before they do. */
export function recordRemoval(
  repository: RepositoryName,
  column: 'tags.name' | 'tags.digest',
  value: string,
  actor: Actor,
): Statement {
  return recordEach(
    actor,
    'tag.delete',
    repository,
    { target: 'tags.name', before: 'tags.digest', after: 'NULL' },
    `tags JOIN repositories ON repositories.id = tags.repository_id
     WHERE repositories.name = ?4 AND ${column} = ?5`,
    [value],
  );
}
