import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/**
 * The cost of new hashes: OWASP's choice for N = 2^14, and N·r·p is below the 2^20 that Workers
 * allow. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt
 */
const COST = { N: 2 ** 14, r: 8, p: 5 };
const LENGTH = 32; // bytes

/** Passwords have at least this many characters. */
export const MIN_PASSWORD_LENGTH = 12;

/** What scrypt is given in all: more is refused before it is hashed. */
export const MAX_PASSWORD_LENGTH = 256; // characters

interface Cost {
  N: number;
  r: number;
  p: number;
}

const derive = promisify<string, Uint8Array, number, Cost, Buffer>(scrypt);

/** The hash of a password, with the parameters it was made with: `scrypt$N$r$p$salt$hash`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, LENGTH, COST);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), hash.toString('base64')].join(
    '$',
  );
}

/** A hash that no password has, for accounts that are not there: both take the same time. */
export const NO_PASSWORD = `scrypt$${COST.N}$${COST.r}$${COST.p}$AAAAAAAAAAAAAAAAAAAAAA==$${'A'.repeat(43)}=`;

/** True when `stored` is the hash of the password. Takes as long for every password. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, N, r, p, salt = '', hash = ''] = stored.split('$');
  if (password.length > MAX_PASSWORD_LENGTH) {
    return false;
  }
  const expected = Buffer.from(hash, 'base64');
  const actual = await derive(password, Buffer.from(salt, 'base64'), LENGTH, {
    N: Number(N),
    r: Number(r),
    p: Number(p),
  });
  return expected.byteLength === actual.byteLength && timingSafeEqual(expected, actual);
}
