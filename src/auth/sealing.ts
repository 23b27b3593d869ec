import { randomBytes, scryptSync } from 'node:crypto';

/** Scrypt and AES-256-GCM: salt, nonce and ciphertext behind each other, in base64. */
const SALT_LENGTH = 16; // bytes
const NONCE_LENGTH = 12; // bytes

/** Encrypts a secret under a password: for what the database has to keep and nobody may read there. */
export async function seal(text: string, password: string): Promise<string> {
  const salt = randomBytes(SALT_LENGTH);
  const iv = randomBytes(NONCE_LENGTH);
  const key = await wrappingKey(password, salt);
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv },
    key,
    new TextEncoder().encode(text),
  );
  return Buffer.concat([salt, iv, new Uint8Array(sealed)]).toString('base64');
}

/** What {@link seal} made; null when another password did. */
export async function unseal(sealed: string, password: string): Promise<string | null> {
  const bytes = Buffer.from(sealed, 'base64');
  const salt = bytes.subarray(0, SALT_LENGTH);
  const iv = bytes.subarray(SALT_LENGTH, SALT_LENGTH + NONCE_LENGTH);
  const key = await wrappingKey(password, salt);
  try {
    const text = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv },
      key,
      bytes.subarray(SALT_LENGTH + NONCE_LENGTH),
    );
    return new TextDecoder().decode(text);
  } catch {
    return null;
  }
}

function wrappingKey(password: string, salt: Uint8Array): Promise<CryptoKey> {
  const bytes = scryptSync(password, salt, 32, { N: 2 ** 14, r: 8, p: 5 });
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
}
