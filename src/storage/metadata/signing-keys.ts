import type { Database } from './database.ts';

/** A key that signs access tokens. Times are seconds since the epoch. */
export interface SigningKeyRecord {
  id: string;
  publicKey: string; // JWK
  privateKey: string; // encrypted
  createdAt: number;
  retiresAt: number;
}

/** Signing keys. */
export class SigningKeyMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All keys whose tokens are still good, the newest first. */
  list(): Promise<SigningKeyRecord[]> {
    return this.#database.all<SigningKeyRecord>(
      `SELECT id, public_key AS publicKey, private_key AS privateKey, created_at AS createdAt,
         retires_at AS retiresAt
       FROM signing_keys WHERE retires_at > unixepoch() ORDER BY created_at DESC, id`,
    );
  }

  /**
   * Adds a key that is good for `lifetime` seconds, and forgets those that are retired. With
   * `retirement` all others retire within so many seconds.
   */
  async create(
    id: string,
    publicKey: string,
    privateKey: string,
    lifetime: number,
    retirement: number | null,
  ): Promise<void> {
    await this.#database.batch([
      ['DELETE FROM signing_keys WHERE retires_at <= unixepoch()'],
      [
        'UPDATE signing_keys SET retires_at = min(retires_at, unixepoch() + ?1) WHERE ?1 IS NOT NULL',
        retirement,
      ],
      [
        `INSERT INTO signing_keys (id, public_key, private_key, retires_at)
         VALUES (?1, ?2, ?3, unixepoch() + ?4)`,
        id,
        publicKey,
        privateKey,
        lifetime,
      ],
    ]);
  }
}
