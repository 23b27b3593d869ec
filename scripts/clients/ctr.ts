import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { Login } from '../edgewater/api.ts';
import type { Bench } from './bench.ts';
import { requireRoot } from './commands.ts';
import { startDaemon } from './daemon.ts';
import { digestOfFile } from './digest.ts';
import { type Layout, writeImage, writeIndex } from './image.ts';
import { makeLayer, makeLayers, pack } from './layer.ts';
import { type LoginClient, loginActions } from './login-actions.ts';
import { verifyRemote } from './remote.ts';
import type { ClientSuite } from './suite.ts';

/** ctr, with a containerd whose namespaces do not share content: a new one is a clean store. */
export const ctr: ClientSuite = {
  name: 'ctr',
  isAvailable: () => requireRoot('ctr', 'containerd'),
  async actions(bench) {
    await startContainerd(bench);
    const layers = await makeLayers(bench, 3, 600_000);
    const image = await writeImage(bench, 'image', layers);
    const index = await writeIndex(bench, 'index', {
      amd64: await makeLayer(bench, 300_000),
      arm64: await makeLayer(bench, 300_000),
    });
    const [{ file = '', content = '' } = {}] = layers;
    return [
      { name: 'import', run: () => importLayouts(bench, { image, index }) },
      { name: 'push', run: () => push(bench, image, 'image') },
      { name: 'pull into a clean store', run: () => pull(bench, image, 'image') },
      { name: 'unpacked content', run: () => look(bench, 'image', file, content) },
      { name: 'push an index', run: () => push(bench, index, 'index') },
      { name: 'pull an index', run: () => pull(bench, index, 'index', '--all-platforms') },
      { name: 'content fetch', run: () => fetchContent(bench, image) },
      ...loginActions(bench, loginClient(bench)),
    ];
  },
};

const SOCKET = 'containerd.sock';
const SNAPSHOTTER = ['--snapshotter', 'native'];

/** What each command that goes to the registry is told, for ctr keeps no login. */
export function remoteOptions(login: Login | null): string[] {
  const user = login === null ? [] : ['--user', `${login.username}:${login.password}`];
  return ['--plain-http', ...user];
}

function robotOptions({ accounts }: Bench): string[] {
  return remoteOptions(accounts?.robot ?? null);
}

function loginClient(bench: Bench): LoginClient {
  let options = remoteOptions(null);
  return {
    logsInLater: true,
    hidesReasons: true,
    async logIn(login) {
      options = remoteOptions(login);
    },
    async logOut() {
      options = remoteOptions(null);
    },
    async push(reference) {
      const image = `${bench.remote('image')}:v1`;
      await run(bench, 'main', 'images', 'push', ...options, reference, image);
    },
    pull: (reference) =>
      run(bench, 'login', 'images', 'pull', ...options, ...SNAPSHOTTER, reference),
  };
}

/** Starts a containerd of this suite's own. */
export async function startContainerd(bench: Bench): Promise<void> {
  const config = bench.path('config.toml');
  await writeFile(
    config,
    `version = 2
root = "${bench.path('containerd')}"
state = "${bench.path('state')}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]

[grpc]
  address = "${bench.path(SOCKET)}"

[plugins."io.containerd.metadata.v1.bolt"]
  content_sharing_policy = "isolated"

[plugins."io.containerd.internal.v1.opt"]
  path = "${bench.path('opt')}"
`,
  );
  const isReady = () => run(bench, 'main', 'version');
  await startDaemon(bench, 'containerd', ['--config', config], isReady);
}

function run(bench: Bench, namespace: string, ...args: string[]): Promise<string> {
  return bench.run('ctr', [...connection(bench, namespace), ...args]);
}

/** The options that every command begins with. */
export function connection(bench: Bench, namespace: string): string[] {
  return ['--address', bench.path(SOCKET), '--namespace', namespace];
}

/** Takes images into the store of pushes, each under the name of its repository. */
export async function importLayouts(bench: Bench, layouts: Record<string, Layout>): Promise<void> {
  for (const [name, { folder, root }] of Object.entries(layouts)) {
    await pack(bench, folder, `${folder}.tar`);
    const args = ['import', '--all-platforms', '--no-unpack', '--base-name', bench.remote(name)];
    await run(bench, 'main', 'images', ...args, `${folder}.tar`);
    assert.equal(await targetOf(bench, 'main', name), root.digest);
  }
}

async function push(bench: Bench, layout: Layout, name: string): Promise<void> {
  await run(bench, 'main', 'images', 'push', ...robotOptions(bench), `${bench.remote(name)}:v1`);
  assert.equal((await verifyRemote(bench, name, 'v1')).digest, layout.root.digest);
}

async function pull(bench: Bench, layout: Layout, name: string, ...args: string[]) {
  const reference = `${bench.remote(name)}:v1`;
  const options = [...robotOptions(bench), ...SNAPSHOTTER, ...args];
  await run(bench, name, 'images', 'pull', ...options, reference);
  assert.equal(await targetOf(bench, name, name), layout.root.digest);
  const check = await run(bench, name, 'images', 'check', ...SNAPSHOTTER);
  assert.match(check, /\bcomplete\b/, check);
}

async function look(bench: Bench, name: string, file: string, content: string): Promise<void> {
  const folder = bench.path('mounted');
  const reference = `${bench.remote(name)}:v1`;
  await bench.run('mkdir', [folder]);
  await run(bench, name, 'images', 'mount', ...SNAPSHOTTER, reference, folder);
  try {
    assert.equal(await digestOfFile(`${folder}/${file}`), content, `the content of ${file}`);
  } finally {
    await run(bench, name, 'images', 'unmount', folder);
  }
}

async function fetchContent(bench: Bench, { image, config }: Layout): Promise<void> {
  const reference = `${bench.remote('image')}:v1`;
  await run(bench, 'fetch', 'content', 'fetch', ...robotOptions(bench), reference);
  const digests = await run(bench, 'fetch', 'content', 'ls', '--quiet');
  for (const digest of [image.digest, config.digest]) {
    assert.ok(digests.includes(digest), `no ${digest} in ${digests}`);
  }
  const output = bench.path('config.json');
  const at = connection(bench, 'fetch');
  await bench.run('ctr', [...at, 'content', 'get', config.digest], { output });
  assert.equal(await digestOfFile(output), config.digest, 'the content of the config');
}

/** The digest that an image's name stands for in a namespace. */
async function targetOf(bench: Bench, namespace: string, name: string): Promise<string> {
  const images = await run(bench, namespace, 'images', 'ls');
  const line = images.split('\n').find((text) => text.startsWith(`${bench.remote(name)}:v1 `));
  return /sha256:[0-9a-f]{64}/.exec(line ?? '')?.[0] ?? `none in ${images}`;
}
