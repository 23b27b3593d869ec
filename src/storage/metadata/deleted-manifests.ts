import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, recordEach } from './audit.ts';
import type { Database } from './database.ts';
import { guardFound, guardFree } from './guarded-batch.ts';
import type { Lifetimes } from './lifetimes.ts';
import { restoreManifests } from './restore-manifests.ts';
import { IS_NEWEST } from './tag-history.ts';
import { guardTag, setTags, type TagCondition, type TagTarget } from './tags.ts';

/** A manifest that was deleted and can be restored. */
export interface DeletedManifest {
  digest: Digest;
  mediaType: string;
  size: number; // bytes
  deletedAt: number; // seconds since the epoch
  restorableUntil: number; // seconds since the epoch
  tags: readonly Tag[]; // that named it last, and are deleted
}

/** A manifest that comes back with another. */
export interface FamilyMember {
  digest: Digest;
  size: number; // bytes
}

/** What is to come back, all or nothing. */
export interface Restoration {
  root: Digest; // has to be there then
  digests: readonly Digest[]; // of deleted manifests
  tag: Tag | null; // to name the root, while the conditions hold
  lastTags: readonly TagTarget[]; // that have to name nothing still
  conditions: readonly TagCondition[];
}

// SQLite does not know how many rows an index leaves: CROSS JOIN keeps the order of a join, and INDEXED
// BY names what it would not choose. https://www.sqlite.org/optoverview.html#manual_control_of_query_plans_using_cross_join

/** Tags of one manifest that a list tells. */
const MAX_TOLD_TAGS = 100;

const REPOSITORY_ID = '(SELECT id FROM repositories WHERE name = ?1)';

/** A row that can be restored still; `deleted` is the table. */
const IS_RESTORABLE = `deleted.repository_id = ${REPOSITORY_ID} AND deleted.expires_at > unixepoch()`;

const LAST_TAGS = `history.repository_id = ${REPOSITORY_ID} AND history.digest IS NULL AND ${IS_NEWEST}`;

/**
 * The condition that a tag follows the manifest of a digest by its name, as tags.subject_digest says: after
 * the 71 characters of "sha256-<hex>" comes nothing, or a dot. The range is for the index.
 */
const isFollower = (tag: string, digest: string) => `(${tag} >= replace(${digest}, ':', '-')
  AND ${tag} < replace(${digest}, ':', '-') || '/' AND substr(${tag}, 72, 1) IN ('', '.'))`;

/** Manifests that were deleted: a trigger keeps them, until the collector takes them. */
export class DeletedManifestMetadata {
  readonly #database: Database;
  readonly #lifetimes: Lifetimes;

  constructor(database: Database, lifetimes: Lifetimes) {
    this.#database = database;
    this.#lifetimes = lifetimes;
  }

  /** At most `limit` after `last`, by digest. */
  async list(repository: RepositoryName, last: string, limit: number): Promise<DeletedManifest[]> {
    const rows = await this.#database.all<Omit<DeletedManifest, 'tags'> & { tags: string }>(
      `SELECT deleted.digest, media_type AS mediaType, size, deleted_at AS deletedAt,
         expires_at AS restorableUntil,
         (SELECT json_group_array(name) FROM (
            SELECT name FROM tag_history AS history INDEXED BY tag_history_deletions_by_digest
            WHERE ${LAST_TAGS} AND history.previous = deleted.digest
            ORDER BY name LIMIT ${MAX_TOLD_TAGS})) AS tags
       FROM deleted_manifests AS deleted
       WHERE ${IS_RESTORABLE} AND deleted.digest > ?2 ORDER BY deleted.digest LIMIT ?3`,
      repository,
      last,
      limit,
    );
    return rows.map((row) => ({ ...row, tags: JSON.parse(row.tags) }));
  }

  /**
   * What has to come back with a manifest, itself first: the children that indexes name, and what
   * refers to it and was deleted with it or since. At most `limit`; empty when it cannot be restored,
   * or is there.
   */
  family(repository: RepositoryName, digest: Digest, limit: number): Promise<FamilyMember[]> {
    return this.#database.all<FamilyMember>(
      `WITH RECURSIVE
         restorable AS NOT MATERIALIZED (
           SELECT digest, size, subject_digest, deleted_at FROM deleted_manifests AS deleted
           WHERE ${IS_RESTORABLE} AND NOT EXISTS (SELECT 1 FROM manifests
             WHERE manifests.repository_id = deleted.repository_id
               AND manifests.digest = deleted.digest)),
         family (digest, size, deleted_at) AS (
           SELECT digest, size, deleted_at FROM restorable WHERE digest = ?2
           UNION
           SELECT restorable.digest, restorable.size, restorable.deleted_at FROM family
           CROSS JOIN deleted_manifest_children AS children
             ON children.repository_id = ${REPOSITORY_ID} AND children.index_digest = family.digest
           CROSS JOIN restorable ON restorable.digest = children.child_digest
           UNION
           SELECT restorable.digest, restorable.size, restorable.deleted_at FROM family
           CROSS JOIN restorable ON restorable.subject_digest = family.digest
             AND restorable.deleted_at >= family.deleted_at
           UNION
           SELECT restorable.digest, restorable.size, restorable.deleted_at FROM family
           CROSS JOIN tag_history AS history INDEXED BY tag_history_deletions ON ${LAST_TAGS}
             AND ${isFollower('history.name', 'family.digest')} AND history.at >= family.deleted_at
           CROSS JOIN restorable ON restorable.digest = history.previous
           LIMIT ?3)
       SELECT digest, size FROM family`,
      repository,
      digest,
      limit,
    );
  }

  /**
   * At most `limit` deleted tags of manifests that come back: those that follow one of them by their
   * name, and all that named `root`, unless that is null.
   */
  lastTags(
    repository: RepositoryName,
    digests: readonly Digest[],
    root: Digest | null,
    limit: number,
  ): Promise<TagTarget[]> {
    return this.#database.all<TagTarget>(
      `SELECT history.name, history.previous AS digest
       FROM tag_history AS history INDEXED BY tag_history_deletions_by_digest
       WHERE ${LAST_TAGS} AND history.previous IN (SELECT value FROM json_each(?2))
         AND (history.previous = ?3 OR EXISTS (
           SELECT 1 FROM json_each(?2) WHERE ${isFollower('history.name', 'value')}))
       ORDER BY history.name LIMIT ?4`,
      repository,
      JSON.stringify(digests),
      root,
      limit,
    );
  }

  /**
   * Brings manifests back and points tags at them, all or nothing.
   *
   * @throws ConstraintError "guard" when a condition does not hold or the root is not there,
   *   "foreign key" when something that an index or a tag names is not there
   */
  async restore(
    repository: RepositoryName,
    { root, digests, tag, lastTags, conditions }: Restoration,
    actor: Actor,
  ): Promise<void> {
    const last = lastTags.filter(({ name }) => name !== tag);
    const targets = tag === null ? last : [{ name: tag, digest: root }, ...last];
    await this.#database.batch([
      ...conditions.map((condition) => guardTag(repository, condition)),
      guardFree(
        `SELECT 1 FROM tags WHERE repository_id = ${REPOSITORY_ID}
           AND name IN (SELECT value FROM json_each(?2))`,
        repository,
        JSON.stringify(last.map(({ name }) => name)),
      ),
      ...restoreManifests(repository, digests, this.#lifetimes, actor),
      guardFound(
        `SELECT 1 FROM manifests WHERE repository_id = ${REPOSITORY_ID} AND digest = ?2`,
        repository,
        root,
      ),
      ...setTags(repository, targets, actor),
    ]);
  }

  /**
   * Lets the collector have at most `limit` deleted manifests now: of one digest, or any. How many.
   * They cannot be restored any more.
   */
  async purge(
    repository: RepositoryName,
    digest: Digest | null,
    limit: number,
    actor: Actor,
  ): Promise<number> {
    const chosen = (name: string, asked: string) => `SELECT rowid FROM deleted_manifests
      WHERE repository_id = (SELECT id FROM repositories WHERE name = ${name})
        AND expires_at > unixepoch() AND (${asked} IS NULL OR digest = ${asked})
      ORDER BY digest LIMIT ${limit}`;
    const [, purged = []] = await this.#database.batch([
      recordEach(
        actor,
        'manifest.purge',
        repository,
        { target: 'digest', before: 'media_type', after: 'NULL' },
        `deleted_manifests WHERE rowid IN (${chosen('?4', '?5')})`,
        [digest],
      ),
      [
        `UPDATE deleted_manifests SET expires_at = unixepoch()
         WHERE rowid IN (${chosen('?1', '?2')}) RETURNING digest`,
        repository,
        digest,
      ],
    ]);
    return purged.length;
  }
}
