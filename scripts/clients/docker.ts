import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import type { Bench } from './bench.ts';
import { requireRoot } from './commands.ts';
import { startDaemon } from './daemon.ts';
import { digestOfFile } from './digest.ts';
import { writeDockerArchive } from './image.ts';
import { type Layer, makeLayer, makeLayers } from './layer.ts';
import { type LoginClient, logInAsRobot, loginActions } from './login-actions.ts';
import { withinMemory } from './memory.ts';
import { getManifest, verifyRemote } from './remote.ts';
import type { Action, ClientSuite } from './suite.ts';

const LARGE = 1024 ** 3;
const LARGE_TIMEOUT = 15 * 60_000;

/** docker, with a daemon that has neither a network nor anything of the machine's own. */
export const docker: ClientSuite = {
  name: 'docker',
  isAvailable: () => requireRoot('docker', 'dockerd'),
  async actions(bench) {
    await startDockerd(bench);
    const small = await load(bench, 'small:v1', await makeLayers(bench, 2, 64_000));
    const five = await load(bench, 'five:v1', await makeLayers(bench, 5, 8_000_000));
    const client = loginClient(bench, small);
    await logInAsRobot(bench, client);
    return [
      { name: 'push two layers', run: () => push(bench, small) },
      { name: 'pull into a clean store', run: () => pull(bench, small) },
      { name: 'push five layers at once', run: () => push(bench, five) },
      { name: 'pull five layers at once', run: () => pull(bench, five) },
      { name: 'pull by digest', run: () => pullByDigest(bench, small) },
      { name: 'push again, all is there', run: () => pushAgain(bench, small) },
      { name: 'retag, mount from there', run: () => mount(bench, small) },
      { name: 'search', run: () => search(bench) },
      { name: 'manifest list', run: () => pushList(bench) },
      ...largeActions(bench),
      ...loginActions(bench, client, DENIED),
    ];
  },
};

/** What docker makes of a 401 with insufficient_scope. */
const DENIED = /^denied: requested access to the resource is denied$/m;

function loginClient(bench: Bench, { id }: LoadedImage): LoginClient {
  return {
    async logIn(login) {
      await bench.logIn(login, 'docker', ['login']);
      const { auths } = JSON.parse(await readFile(bench.dockerConfig, 'utf8'));
      assert.ok(auths[bench.host].identitytoken, 'keeps the password, not a token');
    },
    logOut: () => bench.run('docker', ['logout', bench.host]),
    async push(reference) {
      await bench.run('docker', ['tag', id, reference]);
      await bench.run('docker', ['push', reference]);
    },
    pull: (reference) => bench.run('docker', ['pull', reference]),
  };
}

/** An image in the daemon's store. */
interface LoadedImage {
  name: string; // of the repository, and a tag
  id: string; // the digest of the config
  layers: readonly Layer[];
}

/** Starts a dockerd of this suite's own, which `docker` on this bench talks to from now on. `more` are its options. */
export async function startDockerd(bench: Bench, ...more: string[]): Promise<void> {
  const socket = `unix://${bench.path('sock')}`;
  bench.context.env.DOCKER_HOST = socket;
  const args = ['--data-root', bench.path('data'), '--exec-root', bench.path('exec')];
  args.push('--pidfile', bench.path('pid'), '--host', socket, '--storage-driver=vfs');
  args.push('--bridge=none', '--iptables=false', '--ip6tables=false', ...more);
  await startDaemon(bench, 'dockerd', args, () => bench.run('docker', ['version']));
}

async function load(bench: Bench, name: string, layers: readonly Layer[]): Promise<LoadedImage> {
  const { archive, id } = await writeDockerArchive(bench, bench.remote(name), layers);
  await bench.run('docker', ['load', '--input', archive]);
  await rm(archive);
  return { name, id, layers };
}

async function push(bench: Bench, { name, id }: LoadedImage): Promise<void> {
  const output = await bench.run('docker', ['push', bench.remote(name)]);
  const [repository = '', tag = ''] = name.split(':');
  const manifest = await verifyRemote(bench, repository, tag);
  assert.equal(manifest.config?.digest, id, 'the image ID');
  assert.ok(output.includes(manifest.digest), `no ${manifest.digest} in ${output}`);
}

/** Pulls what is in the store no longer, and looks at the files. */
async function pull(bench: Bench, image: LoadedImage): Promise<void> {
  await pullReference(bench, bench.remote(image.name), image);
}

async function pullByDigest(bench: Bench, image: LoadedImage): Promise<void> {
  const [repository = '', tag = ''] = image.name.split(':');
  const { digest } = await getManifest(bench, repository, tag);
  await pullReference(bench, `${bench.remote(repository)}@${digest}`, image);
  await bench.run('docker', ['tag', image.id, bench.remote(image.name)]);
}

async function pullReference(bench: Bench, reference: string, image: LoadedImage): Promise<void> {
  await bench.run('docker', ['rmi', '--force', image.id]);
  await bench.runToFailure('docker', ['inspect', image.id]);
  await bench.run('docker', ['pull', reference], { timeout: LARGE_TIMEOUT });
  const inspect = ['inspect', '--format', '{{.Id}} {{json .RootFS.Layers}}', reference];
  const diffIds = image.layers.map(({ diffId }) => diffId);
  const expected = `${image.id} ${JSON.stringify(diffIds)}`;
  assert.equal((await bench.run('docker', inspect)).trim(), expected);
  const container = (await bench.run('docker', ['create', reference])).trim();
  for (const { file, content } of image.layers) {
    const copy = bench.path('copy');
    await bench.run('docker', ['cp', `${container}:/${file}`, copy]);
    assert.equal(await digestOfFile(copy), content, `the content of ${file}`);
    await rm(copy);
  }
  await bench.run('docker', ['rm', container]);
}

async function pushAgain(bench: Bench, { name, layers }: LoadedImage): Promise<void> {
  const output = await bench.run('docker', ['push', bench.remote(name)]);
  assert.equal(output.split('Layer already exists').length - 1, layers.length, output);
}

async function mount(bench: Bench, { name, id, layers }: LoadedImage): Promise<void> {
  await bench.run('docker', ['tag', bench.remote(name), bench.remote('second:v1')]);
  const output = await bench.run('docker', ['push', bench.remote('second:v1')]);
  assert.equal(output.split('Mounted from').length - 1, layers.length, output);
  assert.equal((await verifyRemote(bench, 'second', 'v1')).config?.digest, id, 'the image ID');
}

async function search(bench: Bench): Promise<void> {
  const format = ['--format', '{{.Name}}'];
  const term = `${bench.host}/${bench.repository('smal')}`;
  const found = (await bench.run('docker', ['search', ...format, term])).trim();
  assert.ok(found.endsWith(bench.repository('small')), `found ${found}`);
}

async function pushList(bench: Bench): Promise<void> {
  const list = bench.remote('list:v1');
  const parts = [bench.remote('small:v1'), bench.remote('five:v1')];
  await bench.run('docker', ['manifest', 'create', '--insecure', list, ...parts]);
  const arm = ['manifest', 'annotate', '--arch', 'arm64', list, bench.remote('five:v1')];
  await bench.run('docker', arm);
  const pushed = (await bench.run('docker', ['manifest', 'push', '--insecure', list])).trim();
  const { digest, manifests } = await verifyRemote(bench, 'list', 'v1');
  assert.equal(pushed.split('\n').at(-1), digest, 'the digest of the list');
  const architectures = manifests?.map(({ platform }) => platform?.architecture);
  assert.deepEqual(architectures?.sort(), ['amd64', 'arm64']);
  await bench.run('docker', ['manifest', 'inspect', '--insecure', list]);
}

/** The layer is imported, not loaded from an archive, to have it fewer times on the disk. */
function largeActions(bench: Bench): Action[] {
  const name = 'large:v1';
  const image: LoadedImage = { name, id: '', layers: [] };
  return [
    {
      name: 'make a layer of 1 GiB',
      async run() {
        const layer = await makeLayer(bench, LARGE);
        const args = ['import', '--change', 'CMD /none', layer.tar, bench.remote(name)];
        image.id = (await bench.run('docker', args, { timeout: LARGE_TIMEOUT })).trim();
        image.layers = [layer];
        await rm(layer.tar);
      },
    },
    { name: 'push 1 GiB', run: () => withinMemory(() => pushLarge(bench, image)) },
    { name: 'pull 1 GiB', run: () => withinMemory(() => pull(bench, image)) },
  ];
}

async function pushLarge(bench: Bench, { name, id }: LoadedImage): Promise<void> {
  await bench.run('docker', ['push', bench.remote(name)], { timeout: LARGE_TIMEOUT });
  const { config, layers } = await getManifest(bench, 'large', 'v1');
  assert.equal(config?.digest, id, 'the image ID');
  assert.ok((layers?.[0]?.size ?? 0) >= LARGE, 'the size of the layer');
}
