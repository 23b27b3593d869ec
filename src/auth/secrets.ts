import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * The form of a secret: a prefix that scanners can look for, 32 characters of random, 6 of checksum.
 * The checksum tells a mistyped secret, and one that never was one, without asking the database.
 */
const PREFIXES = { personal: 'ewp_', robot: 'ewr_', temporary: 'ewt_', refresh: 'ewf_' } as const;

export type SecretKind = keyof typeof PREFIXES;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'; // base32: 5 bits a character
const RANDOM_LENGTH = 32; // characters: 160 bits
const FORM = /^ew[prtf]_[a-z2-7]{38}$/;

/** A new secret of 160 random bits. */
export function newSecret(kind: SecretKind): string {
  const random = Array.from(randomBytes(RANDOM_LENGTH), (byte) => ALPHABET[byte % 32]).join('');
  const body = `${PREFIXES[kind]}${random}`;
  return `${body}${checksum(body)}`;
}

/** True for text that {@link newSecret} may have made; whether it did, only the database knows. */
export function isSecret(text: string): boolean {
  return FORM.test(text) && checksum(text.slice(0, -6)) === text.slice(-6);
}

/** What is stored of a secret: SHA-256 in hex. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function checksum(body: string): string {
  const sum = crc32(body);
  return Array.from({ length: 6 }, (_, place) => ALPHABET[(sum >>> (place * 5)) & 31]).join('');
}
