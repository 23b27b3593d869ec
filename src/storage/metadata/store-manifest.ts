import type { Digest, SubjectDigest } from '../../oci/digest.ts';
import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import { trashDamaged } from './damage.ts';
import type { Statement } from './database.ts';
import type { ManifestWithBody } from './manifests.ts';

/** A manifest to store, with the digests of what it names. */
export interface NewManifest extends ManifestWithBody {
  artifactType: string | null;
  subject: SubjectDigest | null;
  blobs: readonly Digest[];
  /** Linked where the repository has them; elsewhere they are somebody else's. */
  externalBlobs: readonly Digest[];
  children: readonly Digest[];
}

/**
 * Stores a manifest with all that it names: for the batch that points tags at it. `grace` is how many
 * seconds an object stays in the trash.
 */
export function storeManifest(
  repository: RepositoryName,
  manifest: NewManifest,
  grace: number,
): Statement[] {
  return [
    ...insertManifest(repository, manifest),
    ...(manifest.key === null
      ? []
      : [
          ...mendManifest(repository, manifest.digest, manifest.key, grace),
          ...consumeIntent(manifest.key, grace),
        ]),
    ...linkReferences(repository, manifest),
  ];
}

function insertManifest(repository: RepositoryName, manifest: NewManifest): Statement[] {
  const { digest, mediaType, size, body, key, artifactType, subject } = manifest;
  return [
    [
      'INSERT INTO pushed_to (repository, namespace) VALUES (?1, ?2)',
      repository,
      namespaceOf(repository),
    ],
    [
      `INSERT INTO manifests
         (repository_id, digest, media_type, size, body, r2_key, artifact_type, subject_digest)
       VALUES ((SELECT id FROM repositories WHERE name = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8)
       ON CONFLICT (repository_id, digest) DO UPDATE SET pushed_at = unixepoch()`,
      repository,
      digest,
      mediaType,
      size,
      body,
      key,
      artifactType,
      subject,
    ],
  ];
}

/** Gives a manifest whose object is damaged the new one. */
function mendManifest(
  repository: RepositoryName,
  digest: Digest,
  key: string,
  grace: number,
): Statement[] {
  const where = `repository_id = (SELECT id FROM repositories WHERE name = ?2) AND digest = ?3`;
  return [
    trashDamaged(`manifests WHERE ${where}`, grace, repository, digest),
    [
      `UPDATE manifests SET r2_key = ?1
       WHERE ${where} AND r2_key IN (SELECT damaged_objects.r2_key FROM damaged_objects)`,
      key,
      repository,
      digest,
    ],
  ];
}

/** Ends the intent to write `key`. If the manifest was pushed before, the older object stays. */
function consumeIntent(key: string, grace: number): Statement[] {
  return [
    ['INSERT INTO guard SELECT EXISTS (SELECT 1 FROM uploads WHERE r2_key = ?1)', key],
    ['DELETE FROM uploads WHERE r2_key = ?1', key],
    [
      `INSERT INTO trash (r2_key, delete_after)
       SELECT ?1, unixepoch() + ?2
       WHERE NOT EXISTS (SELECT 1 FROM manifests WHERE r2_key = ?1)`,
      key,
      grace,
    ],
  ];
}

function linkReferences(repository: RepositoryName, manifest: NewManifest): Statement[] {
  const link = (target: string, digests: readonly Digest[], condition = 'true'): Statement[] =>
    digests.length === 0
      ? []
      : [
          [
            `INSERT INTO ${target}
             SELECT repositories.id, ?2, value FROM json_each(?3), repositories
             WHERE repositories.name = ?1 AND ${condition}
             ON CONFLICT DO NOTHING`,
            repository,
            manifest.digest,
            JSON.stringify(digests),
          ],
        ];
  const isLinked = `EXISTS (SELECT 1 FROM repository_blobs AS links
    WHERE links.repository_id = repositories.id AND links.digest = value)`;
  return [
    ...link('manifest_blobs (repository_id, manifest_digest, blob_digest)', manifest.blobs),
    ...link(
      'manifest_blobs (repository_id, manifest_digest, blob_digest)',
      manifest.externalBlobs,
      isLinked,
    ),
    ...link('manifest_children (repository_id, index_digest, child_digest)', manifest.children),
  ];
}
