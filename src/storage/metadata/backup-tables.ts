/**
 * What of the database a backup has. A test compares this with the schema: a new table is in one of the
 * lists, and a column that triggers compute is named here.
 */

/**
 * Tables in the order in which a backup reads them: who refers to a row is read before it, so a row that
 * is there all the time is never missing from what refers to it, however much changes meanwhile.
 */
export const EXPORTED = [
  'tag_history',
  'upstream_tags',
  'tags',
  'pulls',
  'deleted_manifests',
  'unfetched_content', // before the edges that it becomes
  'manifests',
  'deleted_manifests',
  'forgotten_subjects',
  'repository_blobs',
  'blobs',
  'repositories',
  'credentials',
  'members',
  'trust_rules',
  'robots',
  'users',
  'tag_rules',
  'retention_policies',
  'replications',
  'upstreams',
  'namespaces',
  'audit',
] as const;

export type ExportedTable = (typeof EXPORTED)[number];

/**
 * The same in the order in which they are restored: what is named before what names it. The audit log
 * comes before there are repositories, so that no trigger on it finds one to write about; who may do what
 * comes last, so that nobody but administrators gets into a registry that is half there.
 */
export const RESTORED: readonly ExportedTable[] = [
  'audit',
  'repositories',
  'blobs',
  'repository_blobs',
  'manifests',
  'deleted_manifests',
  'forgotten_subjects',
  'unfetched_content',
  'tags',
  'upstream_tags',
  'tag_history',
  'pulls',
  'users',
  'namespaces',
  'upstreams',
  'retention_policies',
  'replications',
  'tag_rules',
  'robots',
  'members',
  'trust_rules',
  'credentials',
];

/** Tables that a backup does without, and why. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  manifest_blobs: 'a part of the row in manifests',
  manifest_children: 'a part of the row in manifests',
  deleted_manifest_blobs: 'a part of the row in deleted_manifests',
  deleted_manifest_children: 'a part of the row in deleted_manifests',
  namespace_content: 'triggers compute it',
  collection_queue: 'triggers fill it anew',
  untagged_reviews: 'the queue is filled anew',
  transfers: 'what they have yet to do is in Durable Objects of this deployment',
  trash: 'it names objects of this bucket that are about to go',
  uploads: 'what has not arrived is sent again',
  progress: 'it is about work of this database',
  damaged_objects: 'scrub finds them again',
  signing_keys: 'they are good for tokens of five minutes, and made anew',
};

const EXPIRED = 'SELECT id FROM repositories WHERE expires_at <= unixepoch()';

const OF_REPOSITORY = `repository_id NOT IN (${EXPIRED})`;

/**
 * Which rows are in a backup: not those of which nobody can have anything back, though the collector has not
 * come to them yet. What was purged may be a secret.
 */
export const KEPT: Readonly<Partial<Record<ExportedTable, string>>> = {
  tag_history: OF_REPOSITORY,
  upstream_tags: OF_REPOSITORY,
  tags: OF_REPOSITORY,
  pulls: OF_REPOSITORY,
  unfetched_content: OF_REPOSITORY,
  forgotten_subjects: OF_REPOSITORY,
  manifests: OF_REPOSITORY,
  deleted_manifests: `expires_at > unixepoch() AND ${OF_REPOSITORY}`,
  repository_blobs: OF_REPOSITORY,
  blobs: `(EXISTS (SELECT 1 FROM repository_blobs AS links
      WHERE links.digest = blobs.digest AND links.${OF_REPOSITORY})
    OR EXISTS (SELECT 1 FROM deleted_manifest_blobs AS parts JOIN deleted_manifests AS deleted
        ON deleted.repository_id = parts.repository_id AND deleted.digest = parts.manifest_digest
      WHERE parts.blob_digest = blobs.digest AND deleted.expires_at > unixepoch()
        AND parts.${OF_REPOSITORY}))`,
  repositories: `id NOT IN (${EXPIRED})`,
};

/** Columns that triggers compute. */
export const DERIVED: Readonly<Partial<Record<ExportedTable, readonly string[]>>> = {
  namespaces: ['used_bytes', 'repository_count'],
};

/** What a manifest names, as lists in its row: each a table of its own, whose third column it is. */
export interface EdgeTable {
  field: string; // in the row
  table: string;
  owner: string; // column with the digest of the manifest
  target: string; // column with what it names
}

export const EDGES: Readonly<Partial<Record<ExportedTable, readonly EdgeTable[]>>> = {
  manifests: edgesOf('manifest'),
  deleted_manifests: edgesOf('deleted_manifest'),
};

function edgesOf(prefix: string): EdgeTable[] {
  return [
    {
      field: 'blobs',
      table: `${prefix}_blobs`,
      owner: 'manifest_digest',
      target: 'blob_digest',
    },
    {
      field: 'children',
      table: `${prefix}_children`,
      owner: 'index_digest',
      target: 'child_digest',
    },
  ];
}

export function isExported(table: string): table is ExportedTable {
  return (EXPORTED as readonly string[]).includes(table);
}

/** A row as a backup has it; the lists are those of {@link EDGES}. */
export type BackupRow = Readonly<Record<string, string | number | null | readonly string[]>>;
