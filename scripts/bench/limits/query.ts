/** As much of the bindings as this needs. */
interface Env {
  DB: Database;
}

interface Database {
  prepare(sql: string): Statement;
  batch(statements: Statement[]): Promise<unknown>;
}

interface Statement {
  bind(...values: unknown[]): Statement;
  first<Row>(): Promise<Row | null>;
}

const SCHEMA = [
  'CREATE TABLE repositories (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)',
  `CREATE TABLE manifests (repository_id INTEGER NOT NULL, digest TEXT NOT NULL,
     media_type TEXT NOT NULL, size INTEGER NOT NULL, body TEXT,
     PRIMARY KEY (repository_id, digest))`,
  `CREATE TABLE tags (repository_id INTEGER NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,
     PRIMARY KEY (repository_id, name)) WITHOUT ROWID`,
];

/** The shape of the one query that a pull by tag takes in src/storage/metadata/manifests.ts. */
const FIND = `
  SELECT manifests.digest, manifests.media_type AS mediaType, manifests.size, manifests.body
  FROM repositories
  JOIN tags ON tags.repository_id = repositories.id
  JOIN manifests ON manifests.repository_id = tags.repository_id AND manifests.digest = tags.digest
  WHERE repositories.name = ?1 AND tags.name = ?2`;

/** A Worker that makes one D1 query. What is PUT is the manifest that every GET finds. */
export default {
  async fetch(request: Request, { DB }: Env): Promise<Response> {
    if (request.method === 'PUT') {
      const body = await request.text();
      await DB.batch([
        ...SCHEMA.map((sql) => DB.prepare(sql)),
        DB.prepare("INSERT INTO repositories (id, name) VALUES (1, 'bench/seed')"),
        DB.prepare("INSERT INTO manifests VALUES (1, 'sha256:0', 'application/json', ?1, ?2)").bind(
          body.length,
          body,
        ),
        DB.prepare("INSERT INTO tags VALUES (1, 'latest', 'sha256:0')"),
      ]);
      return new Response(null, { status: 201 });
    }
    const found = await DB.prepare(FIND)
      .bind('bench/seed', 'latest')
      .first<{ mediaType: string; size: number; body: string }>();
    return new Response(found?.body ?? null, {
      status: found === null ? 404 : 200,
      headers: { 'Content-Type': found?.mediaType ?? '', 'Content-Length': String(found?.size) },
    });
  },
};
