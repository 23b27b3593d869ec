import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, recordEach } from './audit.ts';
import type { Statement } from './database.ts';
import type { Lifetimes } from './lifetimes.ts';

const REPOSITORY_ID = '(SELECT id FROM repositories WHERE name = ?1)';

/** The rows that come back: those that can be restored still. */
const isComing = (digests: string) => `deleted.repository_id = ${REPOSITORY_ID}
  AND deleted.digest IN (SELECT value FROM json_each(${digests})) AND deleted.expires_at > unixepoch()`;

const IS_THERE = `EXISTS (SELECT 1 FROM manifests
  WHERE manifests.repository_id = deleted.repository_id AND manifests.digest = deleted.digest)`;

/**
 * Brings deleted manifests back with all that they name, and their blobs with a new lease: for the
 * batch that points tags at them. What was pushed again meanwhile stays as it is. Foreign keys refuse
 * an index of which a child is gone.
 */
export function restoreManifests(
  repository: RepositoryName,
  digests: readonly Digest[],
  { lease, trash }: Lifetimes,
  actor: Actor,
): Statement[] {
  const list = JSON.stringify(digests);
  const coming = isComing('?2');
  const parts = (table: string) => `FROM ${table} AS parts JOIN deleted_manifests AS deleted
    ON deleted.repository_id = parts.repository_id AND deleted.digest = `;
  return [
    recordEach(
      actor,
      'manifest.restore',
      repository,
      { target: 'deleted.digest', before: 'NULL', after: 'deleted.media_type' },
      `deleted_manifests AS deleted JOIN repositories ON repositories.id = deleted.repository_id
       WHERE repositories.name = ?4 AND deleted.digest IN (SELECT value FROM json_each(?5))
         AND deleted.expires_at > unixepoch() AND NOT ${IS_THERE}`,
      [list],
    ),
    [
      `INSERT INTO repository_blobs (repository_id, digest, lease_until)
       SELECT DISTINCT parts.repository_id, parts.blob_digest, unixepoch() + ?3
       ${parts('deleted_manifest_blobs')} parts.manifest_digest WHERE ${coming}
       ON CONFLICT DO UPDATE SET lease_until = max(lease_until, excluded.lease_until)`,
      repository,
      list,
      lease,
    ],
    [
      `INSERT INTO manifests (repository_id, digest, media_type, size, artifact_type,
         subject_digest, pushed_at, r2_key, body)
       SELECT repository_id, digest, media_type, size, artifact_type, subject_digest, pushed_at,
         r2_key, body
       FROM deleted_manifests AS deleted WHERE ${coming} AND NOT ${IS_THERE}`,
      repository,
      list,
    ],
    [
      `INSERT INTO manifest_blobs (repository_id, manifest_digest, blob_digest)
       SELECT parts.repository_id, parts.manifest_digest, parts.blob_digest
       ${parts('deleted_manifest_blobs')} parts.manifest_digest WHERE ${coming}
       ON CONFLICT DO NOTHING`,
      repository,
      list,
    ],
    [
      `INSERT INTO manifest_children (repository_id, index_digest, child_digest)
       SELECT parts.repository_id, parts.index_digest, parts.child_digest
       ${parts('deleted_manifest_children')} parts.index_digest WHERE ${coming}
       ON CONFLICT DO NOTHING`,
      repository,
      list,
    ],
    [
      `INSERT INTO trash (r2_key, delete_after)
       SELECT r2_key, unixepoch() + ?3 FROM deleted_manifests AS deleted
       WHERE ${coming} AND r2_key IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM manifests WHERE manifests.r2_key = deleted.r2_key)
       ON CONFLICT DO NOTHING`,
      repository,
      list,
      trash,
    ],
    [`DELETE FROM deleted_manifests AS deleted WHERE ${coming}`, repository, list],
  ];
}
