import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { adminPasswordFile } from '../../registry/admin-password.ts';
import type { Contestant } from './contestant.ts';
import { startProcess } from './server-process.ts';

const START = resolve(import.meta.dirname, '../../start.ts');
const READY = /ready on (http:\S+)/;

/** Ours, as `npm start` runs it. `env` is what its process is given besides. */
export function edgewater(env: Record<string, string> = {}): Contestant {
  return {
    name: 'edgewater',
    kind: 'registry',
    async prepare() {
      const describe = ['describe', '--always', '--dirty'];
      const { stdout } = await promisify(execFile)('git', describe, { cwd: import.meta.dirname });
      return { version: stdout.trim() };
    },
    async start(place, isOpen = false) {
      const state = join(place.folder, 'state');
      let url = '';
      const stop = await startProcess(place, {
        command: process.execPath,
        args: [
          ...[START, '--port', '0', '--state', state, '--log', 'off'],
          ...(isOpen ? ['--open'] : []),
        ],
        env,
        isReady: (log) => {
          url = READY.exec(log)?.[1] ?? '';
          return url !== '';
        },
      });
      const authorize = async (repository: string) =>
        isOpen ? null : logIn(url, await readFile(adminPasswordFile(state), 'utf8'), repository);
      return { url, authorize, stop };
    },
  };
}

/** Asks for a token as a client does. It lasts five minutes. */
async function logIn(url: string, password: string, repository: string): Promise<string> {
  const query = new URLSearchParams({
    service: new URL(url).host,
    scope: `repository:${repository}:pull,push`,
  });
  const response = await fetch(`${url}/token?${query}`, {
    headers: { Authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` },
  });
  if (!response.ok) {
    throw new Error(`edgewater gave no token: ${response.status} ${await response.text()}`);
  }
  const { token } = (await response.json()) as { token: string };
  return `Bearer ${token}`;
}
