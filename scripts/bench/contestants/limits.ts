import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import type { Contestant, Running } from './contestant.ts';
import { startProcess } from './server-process.ts';

/** The addresses of the Workers in bench/limits. */
export interface LimitUrls {
  answer: string;
  query: string;
  objects: string;
}

/** The runtime's own limit, when it runs. */
export interface RunningLimits extends Running {
  urls: LimitUrls;
}

const SERVE = resolve(import.meta.dirname, '../limits/serve.ts');
const READY = /^\{.*\}$/m;

/** Workers of a few lines, run as `npm start` runs the registry. */
export function limits(): Contestant {
  return {
    name: 'limit',
    kind: 'limit',
    prepare: async () => ({ version: `workerd ${await runtimeVersion()}` }),
    async start(place): Promise<RunningLimits> {
      let urls: LimitUrls | null = null;
      const stop = await startProcess(place, {
        command: process.execPath,
        args: [SERVE, join(place.folder, 'state')],
        isReady: (log) => {
          urls = JSON.parse(READY.exec(log)?.[0] ?? 'null');
          return urls !== null;
        },
      });
      if (urls === null) {
        throw new Error('the Workers did not tell where they are');
      }
      const { objects: url } = urls as LimitUrls;
      return { url, urls, authorize: async () => null, stop };
    },
  };
}

/** The version of workerd that miniflare brings. */
export async function runtimeVersion(): Promise<string> {
  const require = createRequire(import.meta.resolve('miniflare'));
  const folder = dirname(require.resolve('workerd/package.json'));
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  return version;
}
