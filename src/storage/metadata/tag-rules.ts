import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, type AuditEntry, record } from './audit.ts';
import type { Database } from './database.ts';
import { guardFound, runGuarded } from './guarded-batch.ts';

/** Which tags of a namespace, or of one repository, are immutable. */
export interface TagRule {
  repository: RepositoryName | null; // null for those that have no rule of their own
  immutable: readonly string[]; // globs
  except: readonly string[]; // globs of those that move and go all the same
}

/** A tag that is immutable, and what says so. */
export interface ImmutableTag {
  tag: Tag;
  glob: string;
  namespace: string;
  repository: RepositoryName | null; // of the rule; null for that of the namespace
}

interface TagRuleRow {
  repository: RepositoryName | '';
  immutable: string;
  exceptions: string;
}

/** Rules that make tags immutable. Triggers keep them, whatever statement moves or deletes a tag. */
export class TagRuleMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The rule of a namespace (null) or of a repository itself, or null. */
  async find(namespace: string, repository: RepositoryName | null): Promise<TagRule | null> {
    const row = await this.#database.first<TagRuleRow>(
      `SELECT repository, immutable, exceptions FROM tag_rules
       WHERE namespace = ?1 AND repository = ?2`,
      namespace,
      repository ?? '',
    );
    return row === null ? null : toRule(row);
  }

  /** At most `limit` rules after the repository `after`, the namespace's own first. */
  async list(namespace: string, after: string, limit: number): Promise<TagRule[]> {
    const rows = await this.#database.all<TagRuleRow>(
      `SELECT repository, immutable, exceptions FROM tag_rules
       WHERE namespace = ?1 AND (?2 = '' OR repository > ?2) ORDER BY repository LIMIT ?3`,
      namespace,
      after,
      limit,
    );
    return rows.map(toRule);
  }

  /** Sets a rule; false when there is no such namespace any more. */
  set(namespace: string, rule: TagRule, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      [
        `INSERT INTO tag_rules (namespace, repository, immutable, exceptions)
         VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET immutable = excluded.immutable, exceptions = excluded.exceptions`,
        namespace,
        rule.repository ?? '',
        JSON.stringify(rule.immutable),
        JSON.stringify(rule.except),
      ],
      record(actor, entry),
    ]);
  }

  /** Removes a rule; false when there was none. */
  delete(
    namespace: string,
    repository: RepositoryName | null,
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    const row = 'FROM tag_rules WHERE namespace = ?1 AND repository = ?2';
    return runGuarded(this.#database, [
      guardFound(`SELECT 1 ${row}`, namespace, repository ?? ''),
      [`DELETE ${row}`, namespace, repository ?? ''],
      record(actor, entry),
    ]);
  }

  /** The first immutable tag of those `tags` that do not name `digest`, or null. */
  findImmovable(
    repository: RepositoryName,
    tags: readonly Tag[],
    digest: Digest,
  ): Promise<ImmutableTag | null> {
    return this.#findImmutable(
      'tags.name IN (SELECT value FROM json_each(?2)) AND tags.digest <> ?3',
      repository,
      JSON.stringify(tags),
      digest,
    );
  }

  /** The first immutable tag among those that a reference means: itself, or all that name the digest. */
  findKept(
    repository: RepositoryName,
    reference: { tag: Tag } | { digest: Digest },
  ): Promise<ImmutableTag | null> {
    return 'tag' in reference
      ? this.#findImmutable('tags.name = ?2', repository, reference.tag)
      : this.#findImmutable('tags.digest = ?2', repository, reference.digest);
  }

  async #findImmutable(
    condition: string,
    repository: RepositoryName,
    ...parameters: string[]
  ): Promise<ImmutableTag | null> {
    const row = await this.#database.first<ImmutableTag & { repository: RepositoryName | '' }>(
      `SELECT tags.name AS tag, glob, namespace, repository FROM immutable_tags AS tags
       WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1) AND ${condition}
       ORDER BY tags.name LIMIT 1`,
      repository,
      ...parameters,
    );
    return row === null ? null : { ...row, repository: row.repository || null };
  }
}

function toRule({ repository, immutable, exceptions }: TagRuleRow): TagRule {
  return {
    repository: repository || null,
    immutable: JSON.parse(immutable),
    except: JSON.parse(exceptions),
  };
}
