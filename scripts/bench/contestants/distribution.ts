import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findCommand } from '../../clients/commands.ts';
import { buildDistribution } from './build-distribution.ts';
import type { Contestant, Place } from './contestant.ts';
import { answers, freePort, startProcess } from './server-process.ts';
import { ISSUER, type KeyNaming, REALM, SERVICE, type TokenSigner } from './token-signer.ts';

/** Debian's package of distribution 2.8. */
export function dockerRegistry(signer: TokenSigner): Contestant {
  return contestant('docker-registry', 'libtrust', signer, async () => {
    const command = await findCommand('docker-registry');
    return command ?? { why: 'not installed: apt-get install docker-registry' };
  });
}

/** distribution v3, by Go. */
export function distribution(signer: TokenSigner): Contestant {
  return contestant('distribution', 'rfc7638', signer, buildDistribution);
}

function contestant(
  name: string,
  naming: KeyNaming,
  signer: TokenSigner,
  find: () => Promise<string | { why: string }>,
): Contestant {
  let command = '';
  return {
    name,
    kind: 'registry',
    async prepare() {
      const found = await find();
      if (typeof found !== 'string') {
        return found;
      }
      command = found;
      const { stdout } = await promisify(execFile)(command, ['--version']);
      return { version: stdout.trim().split(' ').at(-1) ?? '' };
    },
    async start(place, isOpen = false) {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const config = await writeConfig(place, port, isOpen ? null : signer);
      const stop = await startProcess(place, {
        command,
        args: ['serve', config],
        env: { OTEL_TRACES_EXPORTER: 'none' }, // v3 would look for a collector
        isReady: () => answers(`${url}/v2/`),
      });
      const authorize = async (repository: string) =>
        isOpen ? null : signer.authorize(repository, naming);
      return { url, authorize, stop };
    },
  };
}

/** As the package ships it, but for the folder, the port, the login and the log. JSON is YAML. */
async function writeConfig(
  { folder }: Place,
  port: number,
  signer: TokenSigner | null,
): Promise<string> {
  const path = join(folder, 'config.yml');
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: {
      cache: { blobdescriptor: 'inmemory' },
      filesystem: { rootdirectory: join(folder, 'data') },
      delete: { enabled: true },
    },
    http: {
      addr: `127.0.0.1:${port}`,
      secret: 'of the bench',
      headers: { 'X-Content-Type-Options': ['nosniff'] },
    },
    ...(signer !== null && {
      auth: {
        token: {
          realm: REALM,
          service: SERVICE,
          issuer: ISSUER,
          rootcertbundle: signer.certificate,
        },
      },
    }),
    health: { storagedriver: { enabled: true, interval: '10s', threshold: 3 } },
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}
