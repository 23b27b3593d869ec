import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import type { Database } from './database.ts';

/** What is stored about one principal's access to one repository. */
export interface AccessRecord {
  repository: RepositoryName;
  exists: boolean;
  namespaceExists: boolean;
  isPublic: boolean;
  createsOnPush: boolean;
  isMirror: boolean; // of another registry
  network: string; // JSON
  /** The rows of the principal, and those of everybody ("*"), in the namespace. */
  members: readonly { principal: string; repositories: string; role: string }[];
}

interface AccessRow {
  repository: RepositoryName;
  repository_exists: number;
  namespace_exists: number;
  is_public: number | null;
  creates_on_push: number | null;
  is_mirror: number;
  network: string | null;
  members: string; // JSON
}

/** What decides who may do what. */
export class AccessMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** One record for each repository, in their order, in one query. */
  async find(principal: string, repositories: readonly RepositoryName[]): Promise<AccessRecord[]> {
    const asked = repositories.map((name) => ({ name, namespace: namespaceOf(name) }));
    const rows = await this.#database.all<AccessRow>(
      `WITH asked AS (
         SELECT key AS place, value ->> 'name' AS name, value ->> 'namespace' AS namespace
         FROM json_each(?2))
       SELECT asked.name AS repository,
         EXISTS (SELECT 1 FROM repositories WHERE repositories.name = asked.name)
           AS repository_exists,
         namespaces.name IS NOT NULL AS namespace_exists,
         EXISTS (SELECT 1 FROM upstreams WHERE upstreams.namespace = asked.namespace) AS is_mirror,
         namespaces.is_public, namespaces.creates_on_push, namespaces.network,
         (SELECT json_group_array(json_object(
              'principal', principal, 'repositories', repositories, 'role', role))
          FROM members
          WHERE members.namespace = asked.namespace AND members.principal IN (?1, '*')) AS members
       FROM asked LEFT JOIN namespaces ON namespaces.name = asked.namespace
       ORDER BY asked.place`,
      principal,
      JSON.stringify(asked),
    );
    return rows.map((row) => ({
      repository: row.repository,
      exists: row.repository_exists === 1,
      namespaceExists: row.namespace_exists === 1,
      isPublic: row.is_public === 1,
      createsOnPush: row.creates_on_push !== 0,
      isMirror: row.is_mirror === 1,
      network: row.network ?? '{}',
      members: JSON.parse(row.members),
    }));
  }

  /** The namespaces that hold something for the principal: public ones and its memberships. */
  async namespaces(principal: string): Promise<string[]> {
    const rows = await this.#database.all<{ name: string }>(
      `SELECT name FROM namespaces WHERE is_public = 1
       UNION SELECT namespace FROM members WHERE principal IN (?1, '*')`,
      principal,
    );
    return rows.map((row) => row.name);
  }
}
