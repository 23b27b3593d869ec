import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Bench } from './bench.ts';
import { digestOfFile } from './digest.ts';
import { installGoClient } from './go-clients.ts';
import { type Layout, writeImage, writeIndex } from './image.ts';
import { type Layer, makeLayer, makeLayers } from './layer.ts';
import { type LoginClient, logInAsRobot, loginActions } from './login-actions.ts';
import { getManifest, manifestStatus, verifyRemote } from './remote.ts';
import type { Action, ClientSuite } from './suite.ts';

/** crane. It speaks HTTP to loopback addresses unasked. */
export const crane: ClientSuite = {
  name: 'crane',
  isAvailable: () => installGoClient('crane'),
  async actions(bench) {
    const image = await writeImage(bench, 'image', await makeLayers(bench, 3, 500_000));
    const index = await writeIndex(bench, 'index', {
      amd64: await makeLayer(bench, 300_000),
      arm64: await makeLayer(bench, 300_000),
    });
    const client = loginClient(bench, image);
    await logInAsRobot(bench, client);
    return [
      ...imageActions(bench, image),
      ...indexActions(bench, image, index),
      ...loginActions(bench, client),
    ];
  },
};

function loginClient(bench: Bench, { folder }: Layout): LoginClient {
  return {
    logsInLater: true,
    logIn: (login) => bench.logIn(login, 'crane', ['auth', 'login']),
    logOut: () => bench.run('crane', ['auth', 'logout', bench.host]),
    push: (reference) => bench.run('crane', ['push', folder, reference]),
    pull: (reference) => bench.run('crane', ['pull', reference, bench.path('login.tar')]),
  };
}

function imageActions(bench: Bench, image: Layout): Action[] {
  return [
    { name: 'push', run: () => push(bench, image) },
    { name: 'pull', run: () => pull(bench, image) },
    { name: 'validate', run: () => validate(bench, 'image:v1') },
    { name: 'cp', run: () => copy(bench, image) },
    { name: 'append', run: () => append(bench) },
    { name: 'mutate', run: () => mutate(bench) },
    { name: 'tag and ls', run: () => list(bench) },
    { name: 'catalog', run: () => catalog(bench) },
    { name: 'delete', run: () => remove(bench, image) },
  ];
}

function indexActions(bench: Bench, image: Layout, index: Layout): Action[] {
  return [
    { name: 'push a nested index', run: () => pushIndex(bench, index) },
    { name: 'index append', run: () => appendToIndex(bench, image, index) },
  ];
}

async function push(bench: Bench, { folder, root }: Layout): Promise<void> {
  const pushed = await bench.run('crane', ['push', folder, bench.remote('image:v1')]);
  assert.equal(pushed.trim(), `${bench.remote('image')}@${root.digest}`);
  assert.equal((await verifyRemote(bench, 'image', 'v1')).digest, root.digest);
}

async function pull(bench: Bench, { root }: Layout): Promise<void> {
  const folder = bench.path('pulled');
  await bench.run('crane', ['pull', '--format', 'oci', bench.remote('image:v1'), folder]);
  const { manifests } = JSON.parse(await readFile(`${folder}/index.json`, 'utf8'));
  assert.equal(manifests[0].digest, root.digest);
  await bench.run('crane', ['pull', bench.remote('image:v1'), `${folder}.tar`]);
  await bench.run('crane', ['validate', '--tarball', `${folder}.tar`]);
}

async function validate(bench: Bench, reference: string): Promise<void> {
  await bench.run('crane', ['validate', '--remote', bench.remote(reference)]);
}

async function copy(bench: Bench, { root }: Layout): Promise<void> {
  await bench.run('crane', ['cp', bench.remote('image:v1'), bench.remote('copy:v1')]);
  assert.equal((await verifyRemote(bench, 'copy', 'v1')).digest, root.digest);
}

async function append(bench: Bench): Promise<void> {
  const layer = await makeLayer(bench, 200_000);
  const [base, tag] = [bench.remote('image:v1'), bench.remote('appended:v1')];
  await bench.run('crane', ['append', '--base', base, '--new_layer', layer.tar, '--new_tag', tag]);
  assert.equal((await verifyRemote(bench, 'appended', 'v1')).layers?.length, 4);
  await validate(bench, 'appended:v1');
  await compareExport(bench, layer);
}

/** The image's file system, flattened, has to have the file of its last layer. */
async function compareExport(bench: Bench, { file, content }: Layer): Promise<void> {
  const tar = bench.path('export.tar');
  await bench.run('crane', ['export', bench.remote('appended:v1'), tar]);
  const output = bench.path('exported');
  await bench.run('tar', ['-xOf', tar, file], { output });
  assert.equal(await digestOfFile(output), content, `the content of ${file}`);
}

async function mutate(bench: Bench): Promise<void> {
  const args = ['--label', 'mutated=yes', '--tag', bench.remote('mutated:v1')];
  await bench.run('crane', ['mutate', ...args, bench.remote('image:v1')]);
  await verifyRemote(bench, 'mutated', 'v1');
  const config = JSON.parse(await bench.run('crane', ['config', bench.remote('mutated:v1')]));
  assert.equal(config.config.Labels.mutated, 'yes');
}

async function list(bench: Bench): Promise<void> {
  for (const tag of ['v2', 'latest']) {
    await bench.run('crane', ['tag', bench.remote('image:v1'), tag]);
  }
  const tags = await bench.run('crane', ['ls', bench.remote('image')]);
  assert.deepEqual(tags.trim().split('\n'), ['latest', 'v1', 'v2']);
}

async function catalog(bench: Bench): Promise<void> {
  const all = (await bench.run('crane', ['catalog', bench.host])).trim().split('\n');
  for (const name of ['image', 'copy', 'mutated']) {
    assert.ok(all.includes(bench.repository(name)), `no ${name} in ${all}`);
  }
}

async function remove(bench: Bench, { root }: Layout): Promise<void> {
  await bench.run('crane', ['delete', `${bench.remote('copy')}@${root.digest}`]);
  assert.equal(await manifestStatus(bench, 'copy', 'v1'), 404, 'v1 is there');
  await bench.runToFailure('crane', ['manifest', bench.remote('copy:v1')]);
}

/** What crane pushes is the index.json of the layout, with the index in it. */
async function pushIndex(bench: Bench, { folder, root }: Layout): Promise<void> {
  await bench.run('crane', ['push', '--index', folder, bench.remote('index:v1')]);
  const { manifests } = await verifyRemote(bench, 'index', 'v1');
  assert.deepEqual(
    manifests?.map(({ digest }) => digest),
    [root.digest],
  );
  await validate(bench, 'index:v1');
}

async function appendToIndex(bench: Bench, image: Layout, index: Layout): Promise<void> {
  const parts = [bench.remote('image:v1'), `${bench.remote('index')}@${index.image.digest}`];
  const args = parts.flatMap((part) => ['--manifest', part]);
  await bench.run('crane', ['index', 'append', ...args, '--tag', bench.remote('joined:v1')]);
  const { digest, manifests } = await verifyRemote(bench, 'joined', 'v1');
  const digests = manifests?.map((manifest) => manifest.digest);
  assert.deepEqual(digests, [image.root.digest, index.image.digest]);
  assert.equal((await bench.run('crane', ['digest', bench.remote('joined:v1')])).trim(), digest);
  assert.equal((await getManifest(bench, 'joined', digest)).digest, digest);
}
