import { exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { SigningKeyMetadata, SigningKeyRecord } from '../storage/metadata/signing-keys.ts';
import { seal, unseal } from './sealing.ts';

/** Ed25519: small, and signing and verifying take a tenth of a millisecond. */
export const ALGORITHM = 'EdDSA';

/** A key signs for 30 days and is good for a day more, so two are live while they change. */
const SIGNING_TIME = 30 * 24 * 60 * 60; // seconds
const LIFETIME = SIGNING_TIME + 24 * 60 * 60; // seconds

/** A key that is not the only one signs from this age on: all locations have read it by then. */
const PUBLICATION_TIME = 10 * 60; // seconds

/** What is left to keys of another password: tokens that are out, and isolates that read rarely. */
const RETIREMENT_TIME = 10 * 60; // seconds

const REFRESH_INTERVAL = 5 * 60 * 1000; // milliseconds
const MIN_REFRESH_INTERVAL = 1000; // milliseconds, however many unknown keys are asked for

interface LoadedKey {
  record: SigningKeyRecord;
  publicKey: CryptoKey;
}

/** What came of decrypting a key with a password, which takes a tenth of a second. */
interface PrivateKey {
  key: CryptoKey | null; // null: another password made it
  password: string;
}

/** What this isolate has read; shared by its requests, for it only holds what the database says. */
let loaded: { keys: LoadedKey[]; at: number } = { keys: [], at: 0 };
const privateKeys = new Map<string, PrivateKey>();

/** The keys of access tokens. They are made as they are needed and kept in the database. */
export class SigningKeys {
  readonly #metadata: SigningKeyMetadata;
  readonly #adminPassword: string;

  constructor(metadata: SigningKeyMetadata, adminPassword: string) {
    this.#metadata = metadata;
    this.#adminPassword = adminPassword;
  }

  /** The public key with this id, or null. A key that was read before costs no query. */
  async find(id: string): Promise<CryptoKey | null> {
    if (Date.now() - loaded.at > REFRESH_INTERVAL) {
      await this.#load();
    }
    const key = good().find(({ record }) => record.id === id);
    if (key !== undefined) {
      return key.publicKey;
    }
    if (loaded.keys.length > 0 && Date.now() - loaded.at < MIN_REFRESH_INTERVAL) {
      return null;
    }
    await this.#load();
    return good().find(({ record }) => record.id === id)?.publicKey ?? null;
  }

  /** The key to sign with, and its id. */
  async current(): Promise<{ id: string; key: CryptoKey }> {
    if (good().length === 0 || Date.now() - loaded.at > REFRESH_INTERVAL) {
      await this.#load();
    }
    const now = Date.now() / 1000;
    const age = ({ record }: LoadedKey) => now - record.createdAt;
    const own = await this.#readable(good());
    if (!own.some((key) => age(key) < SIGNING_TIME)) {
      await this.#create(own.length === 0);
      return this.current();
    }
    const published = own.filter((key) => age(key) >= PUBLICATION_TIME);
    const chosen =
      published.find((key) => age(key) < SIGNING_TIME + PUBLICATION_TIME) ??
      own.findLast((key) => age(key) < SIGNING_TIME); // the oldest, as everywhere
    const key = chosen && privateKeys.get(chosen.record.id)?.key;
    if (chosen === undefined || !key) {
      throw new Error('there is no key to sign with');
    }
    return { id: chosen.record.id, key };
  }

  async #load(): Promise<void> {
    const records = await this.#metadata.list();
    const keys = await Promise.all(
      records.map(async (record) => ({
        record,
        publicKey: (await importJWK(JSON.parse(record.publicKey) as JWK, ALGORITHM)) as CryptoKey,
      })),
    );
    loaded = { keys, at: Date.now() };
  }

  /** Those that the present ADMIN_PASSWORD decrypts: another one made the rest. */
  async #readable(keys: readonly LoadedKey[]): Promise<LoadedKey[]> {
    const own: LoadedKey[] = [];
    for (const key of keys) {
      const { id, privateKey } = key.record;
      if (privateKeys.get(id)?.password !== this.#adminPassword) {
        const jwk = await unseal(privateKey, this.#adminPassword);
        const imported = jwk && (await importJWK(JSON.parse(jwk) as JWK, ALGORITHM));
        privateKeys.set(id, {
          key: imported as CryptoKey | null,
          password: this.#adminPassword,
        });
      }
      if (privateKeys.get(id)?.key) {
        own.push(key);
      }
    }
    return own;
  }

  /** Makes a key. Those that another password made retire soon: who has that one could forge. */
  async #create(isNewPassword: boolean): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
    const secret = JSON.stringify(await exportJWK(privateKey));
    await this.#metadata.create(
      crypto.randomUUID(),
      JSON.stringify(await exportJWK(publicKey)),
      await seal(secret, this.#adminPassword),
      LIFETIME,
      isNewPassword ? RETIREMENT_TIME : null,
    );
    await this.#load();
  }
}

function good(): LoadedKey[] {
  return loaded.keys.filter(({ record }) => record.retiresAt * 1000 > Date.now());
}
