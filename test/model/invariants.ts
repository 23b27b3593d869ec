import { collect } from '../../src/lifecycle/collect.ts';
import { reconcile } from '../../src/lifecycle/reconcile.ts';
import type { ModelDatabase } from './platform.ts';
import { DAY, RESTORE_DAYS, type World } from './world.ts';

/** Queries that may never find anything: what each would have found. */
const NEVER: Readonly<Record<string, string>> = {
  'a blob whose object is gone, or another': `
    SELECT blobs.digest FROM blobs LEFT JOIN objects ON objects.key = blobs.r2_key
    WHERE objects.digest IS NOT substr(blobs.digest, 8)`,
  'a manifest whose object is gone': `
    SELECT digest FROM manifests WHERE r2_key IS NOT NULL AND r2_key NOT IN (SELECT key FROM objects)`,
  'a manifest that can be restored, whose object is gone': `
    SELECT digest FROM deleted_manifests
    WHERE r2_key IS NOT NULL AND r2_key NOT IN (SELECT key FROM objects)`,
  'a manifest without a blob that it names': `
    SELECT manifest_digest FROM manifest_blobs AS edges
    WHERE NOT EXISTS (SELECT 1 FROM repository_blobs AS links JOIN blobs USING (digest)
      WHERE links.repository_id = edges.repository_id AND links.digest = edges.blob_digest)`,
  'a manifest that can be restored, without a blob that it names': `
    SELECT manifest_digest FROM deleted_manifest_blobs
    WHERE blob_digest NOT IN (SELECT digest FROM blobs)`,
  'an index that can be restored, without a child that it names': `
    SELECT edges.index_digest FROM deleted_manifest_children AS edges
    JOIN deleted_manifests AS parents
      ON parents.repository_id = edges.repository_id AND parents.digest = edges.index_digest
    WHERE parents.expires_at > unixepoch()
      AND NOT EXISTS (SELECT 1 FROM manifests
        WHERE manifests.repository_id = edges.repository_id AND manifests.digest = edges.child_digest)
      AND NOT EXISTS (SELECT 1 FROM deleted_manifests AS children
        WHERE children.repository_id = edges.repository_id AND children.digest = edges.child_digest)`,
  'a key in the trash that a row names': `
    SELECT r2_key FROM trash WHERE r2_key IN (
      SELECT r2_key FROM blobs UNION ALL SELECT r2_key FROM manifests WHERE r2_key IS NOT NULL
      UNION ALL SELECT r2_key FROM deleted_manifests WHERE r2_key IS NOT NULL
      UNION ALL SELECT r2_key FROM uploads)`,
  'a manifest that is nowhere though it was pushed and nobody deleted it': `
    SELECT audit.target FROM audit WHERE event = 'manifest.push'
      AND NOT EXISTS (SELECT 1 FROM manifests JOIN repositories ON repositories.id = repository_id
        WHERE repositories.name = audit.repository AND manifests.digest = audit.target)
      AND NOT EXISTS (SELECT 1 FROM audit AS later WHERE later.id > audit.id
        AND later.event IN ('manifest.delete', 'manifest.collect')
        AND later.repository = audit.repository AND later.target = audit.target)`,
  'a size of the namespace that is not what a count gives': `
    SELECT name FROM namespaces WHERE used_bytes <>
      (SELECT coalesce(sum(size), 0) FROM namespace_content WHERE namespace = namespaces.name)`,
  'a content whose holders are not what a count gives': `
    SELECT digest FROM (SELECT digest, count(*) AS holders FROM (
        SELECT digest FROM repository_blobs UNION ALL SELECT digest FROM manifests
        UNION ALL SELECT digest FROM deleted_manifests
        UNION ALL SELECT blob_digest FROM deleted_manifest_blobs) GROUP BY digest
      EXCEPT SELECT digest, holders FROM namespace_content)`,
  'a tag that is nowhere though it was set and nobody deleted it': `
    SELECT audit.target FROM audit WHERE event = 'tag.set'
      AND NOT EXISTS (SELECT 1 FROM tags JOIN repositories ON repositories.id = repository_id
        WHERE repositories.name = audit.repository AND tags.name = audit.target)
      AND NOT EXISTS (SELECT 1 FROM audit AS later WHERE later.id > audit.id
        AND later.event = 'tag.delete' AND later.repository = audit.repository
        AND later.target = audit.target)`,
};

const ANY = Object.entries(NEVER)
  .map(([what, query]) => `SELECT '${what}' AS what, (${query}) AS which`)
  .join(' UNION ALL ');
const ALL_OF_NEVER = `SELECT * FROM (${ANY}) WHERE which IS NOT NULL LIMIT 1`;

/** What is wrong with what is stored, whatever goes on, or null. */
export function breaches(database: ModelDatabase): string | null {
  const [found] = database.run<{ what: string; which: string }>(ALL_OF_NEVER);
  return found === undefined ? null : `${found.what}: ${found.which}`;
}

/** Queries that may find nothing once the clock's work is done and nobody else acts. */
const NOTHING_LEFT: Readonly<Record<string, string>> = {
  'an object that no row names': `
    SELECT key FROM objects WHERE key NOT IN (
      SELECT r2_key FROM blobs UNION ALL SELECT r2_key FROM manifests WHERE r2_key IS NOT NULL)`,
  'a blob that no manifest needs': `
    SELECT repository_id, digest FROM repository_blobs AS links WHERE NOT EXISTS (
      SELECT 1 FROM manifest_blobs AS edges
      WHERE edges.repository_id = links.repository_id AND edges.blob_digest = links.digest)`,
  'a blob without a link': `
    SELECT digest FROM blobs WHERE digest NOT IN (SELECT digest FROM repository_blobs)`,
  'a manifest that nothing holds': `
    SELECT digest FROM manifests WHERE NOT EXISTS (SELECT 1 FROM tags
        WHERE tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest)
      AND NOT EXISTS (SELECT 1 FROM manifest_children AS edges
        WHERE edges.repository_id = manifests.repository_id AND edges.child_digest = manifests.digest)
      AND subject_digest IS NULL`,
  'a referrer that has outlived its subject': `
    SELECT digest FROM manifests WHERE subject_digest IS NOT NULL
      AND subject_digest NOT IN (SELECT digest FROM manifests)
      AND pushed_at < ${RESTORE_DAYS * DAY} + (SELECT max(at) FROM audit
        WHERE event = 'manifest.delete' AND target = subject_digest)
      AND NOT EXISTS (SELECT 1 FROM tags
        WHERE tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest)`,
  'a deleted manifest whose time is over': 'SELECT digest FROM deleted_manifests',
  'an intent': 'SELECT id FROM uploads',
  trash: 'SELECT r2_key FROM trash',
  'an entry in the queue': 'SELECT kind, digest FROM collection_queue',
};

/** Lets the clock do its work until there is none left: what stays though it should not, or null. */
export async function leftovers(world: World): Promise<string | null> {
  const { database, stores } = world;
  for (let round = 0; round < 6; round++) {
    database.now += 4 * DAY;
    await stores.metadata.uploads.abandonOverdue(0);
    await collect(stores);
    await reconcile(stores);
    const broken = breaches(database);
    if (broken !== null) {
      return broken;
    }
  }
  for (const [what, query] of Object.entries(NOTHING_LEFT)) {
    const rows = database.run(query);
    if (rows.length > 0) {
      return `left over: ${what}: ${JSON.stringify(rows)}`;
    }
  }
  return null;
}
