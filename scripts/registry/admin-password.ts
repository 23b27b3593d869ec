import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The file in the state folder that holds the password of the user "admin", and nothing else. */
export function adminPasswordFile(state: string): string {
  return join(state, 'admin-password');
}

/** The password of the user "admin", which the first start makes up. Only its owner can read it. */
export async function keepAdminPassword(state: string): Promise<string> {
  const path = adminPasswordFile(state);
  try {
    const password = randomBytes(24).toString('base64url');
    await writeFile(path, password, { flag: 'wx', mode: 0o600 });
    return password;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
    return (await readFile(path, 'utf8')).trim();
  }
}
