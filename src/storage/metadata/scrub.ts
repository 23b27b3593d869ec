import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Database } from './database.ts';

/** The tables whose rows name content. */
export type ContentTable = 'blobs' | 'manifests' | 'deleted_manifests';

/** Content as its row describes it. `place` is what the next page begins after. */
export interface ContentRow {
  place: string;
  repository: RepositoryName | null; // of a manifest
  digest: Digest;
  size: number; // bytes
  key: string | null; // in R2; null for a manifest with its bytes in the row
}

/** What the database says of a manifest, beside its {@link ContentRow}. */
export interface ManifestRow {
  place: string;
  mediaType: string;
  subject: string | null;
  body: string | null;
  blobs: Digest[];
  children: Digest[];
}

/** How much there is to read. */
export interface ContentTotal {
  objects: number;
  bytes: number;
}

/** "<repository id>/<digest>" orders as the primary key does. */
const PLACE = `printf('%016d', repository_id) || '/' || digest`;
const BEHIND = `(repository_id, digest) >
  (CAST(substr(?1, 1, 16) AS INTEGER), substr(?1, 18))`;

/** Reads all that the registry knows of its content, page by page. */
export class ScrubMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** At most `limit` rows of a table behind a place; "" is before all of them. */
  page(table: ContentTable, after: string, limit: number): Promise<ContentRow[]> {
    return this.#database.all<ContentRow>(
      table === 'blobs'
        ? `SELECT digest AS place, NULL AS repository, digest, size, r2_key AS key
           FROM blobs WHERE digest > ?1 ORDER BY digest LIMIT ?2`
        : `SELECT ${PLACE} AS place, repositories.name AS repository, digest, size, r2_key AS key
           FROM ${table} JOIN repositories ON repositories.id = repository_id
           WHERE ${BEHIND} ORDER BY repository_id, digest LIMIT ?2`,
      after,
      limit,
    );
  }

  /** What the database says of those manifests of a table that are still there. */
  async manifests(
    table: Exclude<ContentTable, 'blobs'>,
    places: readonly string[],
  ): Promise<ManifestRow[]> {
    const [blobs, children, parent] =
      table === 'manifests'
        ? ['manifest_blobs', 'manifest_children', 'manifests']
        : ['deleted_manifest_blobs', 'deleted_manifest_children', 'deleted_manifests'];
    const named = (edges: string, digest: string, owner: string) =>
      `(SELECT json_group_array(${digest}) FROM ${edges} AS edges
        WHERE edges.repository_id = ${parent}.repository_id AND edges.${owner} = ${parent}.digest)`;
    const rows = await this.#database.all<
      Omit<ManifestRow, 'blobs' | 'children'> & { blobs: string; children: string }
    >(
      `SELECT value AS place, media_type AS mediaType, subject_digest AS subject, body,
         ${named(blobs, 'blob_digest', 'manifest_digest')} AS blobs,
         ${named(children, 'child_digest', 'index_digest')} AS children
       FROM json_each(?1) JOIN ${parent}
         ON repository_id = CAST(substr(value, 1, 16) AS INTEGER) AND digest = substr(value, 18)`,
      JSON.stringify(places),
    );
    return rows.map((row) => ({
      ...row,
      blobs: JSON.parse(row.blobs),
      children: JSON.parse(row.children),
    }));
  }

  /** How much there is, in all tables. */
  async total(): Promise<ContentTotal> {
    const total = await this.#database.first<ContentTotal>(
      `SELECT count(*) AS objects, coalesce(sum(size), 0) AS bytes FROM (
         SELECT size FROM blobs UNION ALL SELECT size FROM manifests
         UNION ALL SELECT size FROM deleted_manifests)`,
    );
    return total ?? { objects: 0, bytes: 0 };
  }
}
