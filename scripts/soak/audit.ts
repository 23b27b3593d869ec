import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What is stored, by a look at the files of a registry that does not run. */
export interface Audit {
  objects: number; // in R2
  bytes: number;
  hashed: number; // objects whose bytes were read and have the digest that D1 tells
  orphans: string[]; // keys that no row names: for the reconciler
  rows: Record<string, number>; // of tables
  failures: string[];
}

interface Named {
  key: string;
  digest: string;
  size: number;
}

const CONTENT = `
  SELECT r2_key AS key, digest, size FROM blobs
  UNION ALL SELECT r2_key, digest, size FROM manifests WHERE r2_key IS NOT NULL
  UNION ALL SELECT r2_key, digest, size FROM deleted_manifests WHERE r2_key IS NOT NULL`;

const TABLES = [
  'repositories',
  'tags',
  'manifests',
  'repository_blobs',
  'blobs',
  'deleted_manifests',
  'uploads',
  'trash',
  'collection_queue',
  'audit',
] as const;

/**
 * That a subject went after `since`: one that went before its referrer was pushed may be elsewhere, as
 * far as the registry knows when it has forgotten it.
 */
const wentAfter = (repository: string, subject: string, since: string) => `EXISTS (
  SELECT 1 FROM audit JOIN repositories ON repositories.name = audit.repository
  WHERE repositories.id = ${repository} AND audit.target = ${subject} AND audit.at > ${since}
    AND audit.event IN ('manifest.delete', 'manifest.collect'))`;

const isThere = (repository: string, digest: string) => `EXISTS (
  SELECT 1 FROM manifests AS others
  WHERE others.repository_id = ${repository} AND others.digest = ${digest})`;

const isChild = (repository: string, digest: string) => `EXISTS (
  SELECT 1 FROM manifest_children AS parents
  WHERE parents.repository_id = ${repository} AND child_digest = ${digest})`;

/** What nothing holds: for each a query of what should not be. */
const UNREACHABLE: Record<string, string> = {
  'links that no manifest names': `SELECT digest FROM repository_blobs AS links WHERE NOT EXISTS (
     SELECT 1 FROM manifest_blobs AS edges
     WHERE edges.repository_id = links.repository_id AND edges.blob_digest = links.digest)`,
  'blobs that no repository sees': `SELECT digest FROM blobs WHERE NOT EXISTS (
     SELECT 1 FROM repository_blobs AS links WHERE links.digest = blobs.digest)`,
  'manifests that nothing holds': `SELECT digest FROM manifests WHERE
     NOT EXISTS (SELECT 1 FROM tags WHERE tags.repository_id = manifests.repository_id
       AND tags.digest = manifests.digest)
     AND NOT ${isChild('manifests.repository_id', 'manifests.digest')}
     AND (subject_digest IS NULL OR (
       NOT ${isThere('manifests.repository_id', 'manifests.subject_digest')}
       AND ${wentAfter('manifests.repository_id', 'manifests.subject_digest', 'manifests.pushed_at')}))`,
  'signatures without their subject': `SELECT name FROM tags WHERE name LIKE 'sha256-%.sig'
     AND NOT EXISTS (SELECT 1 FROM tags AS others WHERE others.repository_id = tags.repository_id
       AND others.digest = tags.digest AND others.name NOT LIKE 'sha256-%.sig')
     AND NOT ${isChild('tags.repository_id', 'tags.digest')}
     AND NOT ${isThere('tags.repository_id', 'tags.subject_digest')}
     AND ${wentAfter('tags.repository_id', 'tags.subject_digest', 'tags.updated_at')}`,
  'deleted manifests': 'SELECT digest FROM deleted_manifests',
  'keys in the trash': 'SELECT r2_key FROM trash',
};

/** Opens the one database of an object of miniflare's. */
async function openDatabase(folder: string): Promise<DatabaseSync> {
  const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  const [name] = names;
  if (name === undefined || names.length > 1) {
    throw new Error(`${folder} has ${names.length} databases, not one`);
  }
  return new DatabaseSync(join(folder, name));
}

export function openMetadata(state: string): Promise<DatabaseSync> {
  return openDatabase(join(state, 'd1', 'miniflare-D1DatabaseObject'));
}

/**
 * Compares D1 with R2, and reads every object that a row names. With `isQuiet` nothing may be left that
 * nothing holds: for a registry that had the time to collect all of it.
 */
export async function auditState(state: string, isQuiet: boolean): Promise<Audit> {
  const metadata = await openMetadata(state);
  const bucket = await openDatabase(join(state, 'r2', 'miniflare-R2BucketObject'));
  try {
    const failures: string[] = [];
    const problems = metadata.prepare('PRAGMA foreign_key_check').all();
    if (problems.length > 0) {
      failures.push(`foreign keys that do not hold: ${JSON.stringify(problems.slice(0, 5))}`);
    }
    const objects = readObjects(bucket);
    const named = metadata.prepare(CONTENT).all() as unknown as Named[];
    for (const { key, digest, size } of named) {
      const object = objects.get(key);
      if (object === undefined) {
        failures.push(`R2 has no ${key}, which is ${digest}`);
      } else if (object.size !== size) {
        failures.push(`${key} has ${object.size} bytes, not ${size}`);
      } else if ((await hashOf(state, object.files)) !== digest) {
        failures.push(`${key} does not have the digest ${digest}`);
      }
    }
    const isKnown = metadata.prepare(
      `SELECT 1 FROM (${CONTENT}) WHERE key = ?1 UNION ALL SELECT 1 FROM uploads WHERE r2_key = ?1
       UNION ALL SELECT 1 FROM trash WHERE r2_key = ?1`,
    );
    const orphans = [...objects.keys()].filter(
      (key) => isKnown.get(key) === undefined && !key.startsWith('backups/'),
    );
    failures.push(...orphans.filter((key) => !/^(?:blobs|manifests)\//.test(key)));
    if (isQuiet) {
      failures.push(...orphans.map((key) => `nothing has taken the orphan ${key}`));
      failures.push(...findUnreachable(metadata));
    }
    return {
      objects: objects.size,
      bytes: [...objects.values()].reduce((sum, { size }) => sum + size, 0),
      hashed: named.length,
      orphans,
      rows: countRows(metadata),
      failures,
    };
  } finally {
    metadata.close();
    bucket.close();
  }
}

/** How much of what is to be collected is left, while the registry runs. */
export function countUnreachable(metadata: DatabaseSync): number {
  return Object.values(UNREACHABLE).reduce(
    (sum, query) => sum + metadata.prepare(query).all().length,
    0,
  );
}

function findUnreachable(metadata: DatabaseSync): string[] {
  return Object.entries(UNREACHABLE).flatMap(([what, query]) => {
    const rows = metadata.prepare(query).all();
    return rows.length === 0
      ? []
      : [`${rows.length} ${what} are left: ${JSON.stringify(rows.slice(0, 3))}`];
  });
}

function countRows(metadata: DatabaseSync): Record<string, number> {
  const count = (table: string) =>
    Number(metadata.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count);
  return Object.fromEntries(TABLES.map((table) => [table, count(table)]));
}

/** What miniflare's bucket holds: an object is one file, or one for each part. */
function readObjects(bucket: DatabaseSync): Map<string, { size: number; files: string[] }> {
  const rows = bucket.prepare('SELECT key, blob_id AS file, size FROM _mf_objects').all();
  const parts = bucket.prepare(
    'SELECT blob_id AS file FROM _mf_multipart_parts WHERE object_key = ?1 ORDER BY part_number',
  );
  return new Map(
    rows.map(({ key, file, size }) => [
      String(key),
      {
        size: Number(size),
        files:
          file === null ? parts.all(String(key)).map((part) => String(part.file)) : [String(file)],
      },
    ]),
  );
}

async function hashOf(state: string, files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) {
    const path = join(state, 'r2', 'edgewater', 'blobs', file);
    await stat(path); // so that a file that is not there is told by its name
    for await (const piece of createReadStream(path)) {
      hash.update(piece);
    }
  }
  return `sha256:${hash.digest('hex')}`;
}
