import assert from 'node:assert/strict';
import type { Bench } from './bench.ts';
import { requireCommands } from './commands.ts';
import { type Layout, writeImage, writeIndex } from './image.ts';
import { makeLayer, makeLayers } from './layer.ts';
import { type LoginClient, logInAsRobot, loginActions } from './login-actions.ts';
import { getManifest, manifestStatus, verifyRemote } from './remote.ts';
import type { ClientSuite } from './suite.ts';

/** skopeo, from and to OCI layouts. */
export const skopeo: ClientSuite = {
  name: 'skopeo',
  isAvailable: () => requireCommands('skopeo'),
  async actions(bench) {
    const image = await writeImage(bench, 'image', await makeLayers(bench, 3, 500_000));
    const index = await writeIndex(bench, 'index', {
      amd64: await makeLayer(bench, 300_000),
      arm64: await makeLayer(bench, 300_000),
    });
    const client = loginClient(bench, image);
    await logInAsRobot(bench, client);
    return [
      { name: 'copy a layout', run: () => push(bench, image, 'image') },
      { name: 'copy back', run: () => pull(bench, image, 'image') },
      { name: 'copy as Docker v2s2', run: () => convert(bench, image) },
      { name: 'copy --all an index', run: () => push(bench, index, 'index', '--all') },
      { name: 'copy --all back', run: () => pull(bench, index, 'index', '--all') },
      { name: 'sync', run: () => sync(bench, image) },
      { name: 'inspect', run: () => inspect(bench, image) },
      { name: 'list-tags', run: () => listTags(bench) },
      { name: 'delete', run: () => remove(bench, image) },
      ...loginActions(bench, client),
    ];
  },
};

const INSECURE = '--insecure-policy'; // does without the machine's policy.json
const FROM = '--src-tls-verify=false';
const TO = '--dest-tls-verify=false';

function loginClient(bench: Bench, { folder, tag }: Layout): LoginClient {
  const copy = (...args: string[]) => bench.run('skopeo', [INSECURE, 'copy', ...args]);
  return {
    logIn: (login) => bench.logIn(login, 'skopeo', ['login', '--tls-verify=false']),
    logOut: () => bench.run('skopeo', ['logout', bench.host]),
    push: (reference) => copy(TO, `oci:${folder}:${tag}`, `docker://${reference}`),
    pull: (reference) => copy(FROM, `docker://${reference}`, `oci:${bench.path('pulled')}:v1`),
  };
}

async function push(bench: Bench, layout: Layout, name: string, ...args: string[]) {
  const [from, to] = [`oci:${layout.folder}:${layout.tag}`, `docker://${bench.remote(name)}:v1`];
  await bench.run('skopeo', [INSECURE, 'copy', TO, ...args, from, to]);
  assert.equal((await verifyRemote(bench, name, 'v1')).digest, layout.root.digest);
}

/** skopeo reads every blob of what it copies, and compares it with its digest. */
async function pull(bench: Bench, layout: Layout, name: string, ...args: string[]) {
  const from = `docker://${bench.remote(name)}:v1`;
  const to = `oci:${bench.path(`${name}-back`)}:v1`;
  await bench.run('skopeo', [INSECURE, 'copy', FROM, ...args, from, to]);
  assert.equal(await rawDigest(bench, to), layout.root.digest);
}

async function convert(bench: Bench, layout: Layout): Promise<void> {
  const format = ['--format', 'v2s2'];
  const from = `oci:${layout.folder}:${layout.tag}`;
  const to = `docker://${bench.remote('docker')}:v1`;
  await bench.run('skopeo', [INSECURE, 'copy', TO, ...format, from, to]);
  const { mediaType, config } = await verifyRemote(bench, 'docker', 'v1');
  assert.equal(mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
  assert.equal(config?.digest, layout.config.digest, 'the digest of the config');
}

async function sync(bench: Bench, layout: Layout): Promise<void> {
  const down = ['sync', '--src', 'docker', '--dest', 'dir', FROM, '--scoped'];
  await bench.run('skopeo', [INSECURE, ...down, bench.remote('image'), bench.path('synced')]);
  const folder = bench.path('synced', bench.host, bench.repository(''));
  const up = ['sync', '--src', 'dir', '--dest', 'docker', TO];
  await bench.run('skopeo', [INSECURE, ...up, folder, bench.remote('synced')]);
  assert.equal((await verifyRemote(bench, 'synced/image', 'v1')).digest, layout.root.digest);
}

async function inspect(bench: Bench, layout: Layout): Promise<void> {
  const args = ['inspect', '--tls-verify=false', `docker://${bench.remote('image')}:v1`];
  const found = JSON.parse(await bench.run('skopeo', args));
  assert.equal(found.Digest, layout.root.digest);
  assert.deepEqual(found.RepoTags, ['v1']);
  assert.deepEqual(found.Labels, { suite: 'edgewater' });
}

async function listTags(bench: Bench): Promise<void> {
  const { digest } = await getManifest(bench, 'image', 'v1');
  const from = `docker://${bench.remote('image')}@${digest}`;
  for (const tag of ['v2', 'latest']) {
    const to = `docker://${bench.remote('image')}:${tag}`;
    await bench.run('skopeo', [INSECURE, 'copy', FROM, TO, from, to]);
  }
  const args = ['list-tags', '--tls-verify=false', `docker://${bench.remote('image')}`];
  assert.deepEqual(JSON.parse(await bench.run('skopeo', args)).Tags, ['latest', 'v1', 'v2']);
}

/** skopeo deletes the manifest that a tag names, and so all its tags. */
async function remove(bench: Bench, layout: Layout): Promise<void> {
  const reference = `docker://${bench.remote('image')}:v2`;
  await bench.run('skopeo', ['delete', '--tls-verify=false', reference]);
  for (const gone of ['v1', 'v2', 'latest', layout.root.digest]) {
    assert.equal(await manifestStatus(bench, 'image', gone), 404, `${gone} is there`);
  }
}

async function rawDigest(bench: Bench, reference: string): Promise<string> {
  const raw = bench.path('raw.json');
  await bench.run('skopeo', ['inspect', '--raw', reference], { output: raw });
  return (await bench.run('skopeo', ['manifest-digest', raw])).trim();
}
