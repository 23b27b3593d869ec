import type { SubjectDigest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Database } from './database.ts';
import type { ManifestWithBody } from './manifests.ts';

/** A manifest that names a subject. */
export interface ReferrerRecord extends ManifestWithBody {
  artifactType: string | null;
}

/** Which referrers to list: those after `last`, as many as fit both limits but at least one. */
export interface ReferrerQuery {
  artifactType: string | null;
  last: string;
  limit: number;
  maxBytes: number; // of their manifests together
}

/** Manifests by the subject they name. */
export class ReferrerMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** One page in order of digest, and whether there are more. */
  async list(
    repository: RepositoryName,
    subject: SubjectDigest,
    { artifactType, last, limit, maxBytes }: ReferrerQuery,
  ): Promise<{ referrers: ReferrerRecord[]; hasMore: boolean }> {
    const rows = await this.#database.all<ReferrerRecord & { available: number }>(
      `WITH found AS (
         SELECT manifests.rowid AS id, manifests.digest, manifests.size
         FROM repositories JOIN manifests ON manifests.repository_id = repositories.id
         WHERE repositories.name = ?1 AND manifests.subject_digest = ?2
           AND manifests.digest > ?3 AND (?4 IS NULL OR manifests.artifact_type = ?4)
         ORDER BY manifests.digest LIMIT ?5 + 1),
       page AS (SELECT id, size, sum(size) OVER (ORDER BY digest) AS bytes FROM found)
       SELECT manifests.digest, manifests.media_type AS mediaType, manifests.size, manifests.body,
              manifests.r2_key AS key, manifests.artifact_type AS artifactType,
              (SELECT count(*) FROM page) AS available
       FROM page JOIN manifests ON manifests.rowid = page.id
       WHERE page.bytes <= ?6 OR page.bytes = page.size
       ORDER BY manifests.digest LIMIT ?5`,
      repository,
      subject,
      last,
      artifactType,
      limit,
      maxBytes,
    );
    return { referrers: rows, hasMore: rows.length < (rows[0]?.available ?? 0) };
  }
}
