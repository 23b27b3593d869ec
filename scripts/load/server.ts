import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place } from '../bench/contestants/contestant.ts';
import { edgewater } from '../bench/contestants/edgewater.ts';
import { descendantsOf, programOf } from '../clients/processes.ts';
import { Api, apiPath, type Login } from '../edgewater/api.ts';
import { adminPasswordFile } from '../registry/admin-password.ts';

/** The namespace of everything that is pushed. */
export const NAMESPACE = 'load';

/** A registry that runs as a process of its own. */
export interface Server {
  url: string;
  login: Login;
  runtime: number; // the process of workerd
  stop(): Promise<void>;
}

/** Whom the load logs in as: a robot, as machines do, or the administrator with a password. */
export type Who = 'robot' | 'admin';

/** Starts the registry as `npm start` does, on a folder that has nothing in it yet. */
export async function createServer(place: Place, who: Who): Promise<Server> {
  await mkdir(place.folder, { recursive: true });
  const server = await startServer(place);
  try {
    const api = new Api(server.url, server.login);
    await api.send('POST', apiPath`/namespaces`, { name: NAMESPACE, isPublic: false });
    return who === 'admin' ? server : { ...server, login: await createRobot(api) };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Stops it and starts it on what it has stored. */
export async function restartServer(place: Place, server: Server): Promise<Server> {
  await server.stop();
  return { ...(await startServer(place)), login: server.login };
}

async function startServer(place: Place): Promise<Server> {
  const before = new Set(await runtimes());
  const { url, stop } = await edgewater().start(place);
  const runtime = (await runtimes()).find((pid) => !before.has(pid));
  if (runtime === undefined) {
    await stop();
    throw new Error('the runtime’s process is not to be found: this needs Linux');
  }
  const password = await readFile(adminPasswordFile(join(place.folder, 'state')), 'utf8');
  return { url, login: { username: 'admin', password: password.trim() }, runtime, stop };
}

async function createRobot(api: Api): Promise<Login> {
  const { name, secret } = await api.send<{ name: string; secret: string }>(
    'POST',
    apiPath`/namespaces/${NAMESPACE}/robots`,
    { name: 'load', role: 'maintainer', expiresInDays: 1 },
  );
  return { username: name, password: secret };
}

async function runtimes(): Promise<number[]> {
  const pids = await descendantsOf(process.pid);
  const programs = await Promise.all(pids.map(programOf));
  return pids.filter((_, index) => programs[index] === 'workerd');
}
