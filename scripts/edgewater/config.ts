import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { RefusalError } from './errors.ts';

/** A login that is kept. */
export interface StoredLogin {
  username: string;
  secret: string;
  token: string | null; // the id of the secret, when "edgewater login" made it
}

/** What is kept: a login for each registry, by its URL. */
interface Config {
  current: string | null; // the registry of the last login
  logins: Record<string, StoredLogin>;
}

/** The file of the logins. https://specifications.freedesktop.org/basedir-spec/0.8/ */
export function configFile(): string {
  const folder = process.env.XDG_CONFIG_HOME ?? '';
  const base = isAbsolute(folder) ? folder : join(homedir(), '.config');
  return join(base, 'edgewater', 'config.json');
}

/** The registry of the last login, if there is one. */
export async function currentRegistry(): Promise<string | null> {
  return (await read()).current;
}

/** The login that is kept for a registry, if there is one. */
export async function storedLogin(registry: string): Promise<StoredLogin | null> {
  return (await read()).logins[registry] ?? null;
}

/** Keeps a login, which makes its registry the current one. */
export async function storeLogin(registry: string, login: StoredLogin): Promise<void> {
  const { logins } = await read();
  await write({ current: registry, logins: { ...logins, [registry]: login } });
}

/** Forgets a login. The registry stays the current one. */
export async function forgetLogin(registry: string): Promise<void> {
  const { current, logins } = await read();
  const { [registry]: _, ...rest } = logins;
  await write({ current, logins: rest });
}

async function read(): Promise<Config> {
  const path = configFile();
  try {
    const { current = null, logins = {} } = JSON.parse(await readFile(path, 'utf8'));
    return { current, logins };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return { current: null, logins: {} };
    }
    throw new RefusalError(`${path} cannot be read; delete it and log in again`);
  }
}

/** Writes a file of its own first: a reader sees the old one or the new one, and nobody but us. */
async function write(config: Config): Promise<void> {
  const path = configFile();
  const draft = `${path}.${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeFile(draft, `${JSON.stringify(config, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
