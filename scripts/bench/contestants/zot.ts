import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findCommand } from '../../clients/commands.ts';
import type { Contestant, Place } from './contestant.ts';
import { answers, freePort, startProcess } from './server-process.ts';
import { REALM, SERVICE, type TokenSigner } from './token-signer.ts';

/** zot, which has to be there as a program: not every proxy serves its Go module. */
export function zot(signer: TokenSigner, path: string | undefined): Contestant {
  let command = '';
  return {
    name: 'zot',
    kind: 'registry',
    async prepare() {
      const found = path ?? (await findCommand('zot'));
      if (found === null) {
        return { why: 'not found: put zot on the PATH, or name it with --zot' };
      }
      command = found;
      return { version: await versionOf(command) };
    },
    async start(place, isOpen = false) {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const config = await writeConfig(place, port, isOpen ? null : signer);
      const stop = await startProcess(place, {
        command,
        args: ['serve', config],
        isReady: () => answers(`${url}/v2/`),
      });
      const authorize = async (repository: string) =>
        isOpen ? null : signer.authorize(repository, 'rfc7638');
      return { url, authorize, stop };
    },
  };
}

async function writeConfig(
  { folder }: Place,
  port: number,
  signer: TokenSigner | null,
): Promise<string> {
  const path = join(folder, 'config.json');
  const bearer = { realm: REALM, service: SERVICE, cert: signer?.certificate };
  const config = {
    distSpecVersion: '1.1.1',
    storage: { rootDirectory: join(folder, 'data') },
    http: {
      address: '127.0.0.1',
      port: String(port),
      ...(signer !== null && { auth: { bearer } }),
    },
    log: { level: 'error' },
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

/** It logs its version; one that was built by hand may not know it. */
async function versionOf(command: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(command, ['--version']);
  return /"commit":"([^"]+)"/.exec(stdout + stderr)?.[1] ?? 'of unknown version';
}
