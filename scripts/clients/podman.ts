import assert from 'node:assert/strict';
import type { Bench } from './bench.ts';
import { requireRoot } from './commands.ts';
import { ContainerStore } from './container-store.ts';
import { type Layout, writeImage, writeIndex } from './image.ts';
import { makeLayer, makeLayers } from './layer.ts';
import { logInAsRobot, loginActions } from './login-actions.ts';
import { getManifest, verifyRemote } from './remote.ts';
import type { ClientSuite } from './suite.ts';

/** podman, with one store to push from and an empty one for each pull. */
export const podman: ClientSuite = {
  name: 'podman',
  isAvailable: () => requireRoot('podman'),
  async actions(bench) {
    const images = await writeImages(bench);
    const index = await writeIndex(bench, 'index', {
      amd64: await makeLayer(bench, 300_000),
      arm64: await makeLayer(bench, 300_000),
    });
    const store = new ContainerStore(bench, 'podman', 'main');
    const client = store.loginClient(() => images.default.config.digest);
    await logInAsRobot(bench, client);
    return [
      ...COMPRESSIONS.flatMap((compression) => [
        { name: `push ${compression}`, run: () => push(bench, store, images, compression) },
        { name: `pull ${compression}`, run: () => pull(bench, images, compression) },
      ]),
      { name: 'search --list-tags', run: () => listTags(bench, store) },
      { name: 'search', run: () => search(bench, store) },
      { name: 'manifest push', run: () => pushList(bench, store, index) },
      ...loginActions(bench, client),
    ];
  },
};

const COMPRESSIONS = ['default', 'gzip', 'zstd', 'zstd:chunked'] as const;

type Compression = (typeof COMPRESSIONS)[number];
type Images = Readonly<Record<Compression, Layout>>;

/** For each compression other layers: podman mounts what it knows, as it is compressed there. */
async function writeImages(bench: Bench): Promise<Images> {
  const write = async (name: Compression) =>
    writeImage(bench, repositoryOf(name), await makeLayers(bench, 3, 700_000));
  return {
    default: await write('default'),
    gzip: await write('gzip'),
    zstd: await write('zstd'),
    'zstd:chunked': await write('zstd:chunked'),
  };
}

function repositoryOf(compression: Compression): string {
  return compression.replace(':', '-');
}

async function push(
  bench: Bench,
  store: ContainerStore,
  images: Images,
  compression: Compression,
): Promise<void> {
  const { folder, tag, config } = images[compression];
  assert.equal(await store.pull(`oci:${folder}:${tag}`), config.digest, 'the image ID');
  const args = compression === 'default' ? [] : ['--compression-format', compression];
  const name = repositoryOf(compression);
  await store.push(config.digest, `${bench.remote(name)}:v1`, ...args);
  const pushed = await verifyRemote(bench, name, 'v1');
  assert.equal(pushed.config?.digest, config.digest, 'the image ID');
  const ending = compression.startsWith('zstd') ? 'tar+zstd' : 'tar+gzip';
  for (const { mediaType } of pushed.layers ?? []) {
    assert.ok(mediaType.endsWith(ending), `${mediaType} is not ${ending}`);
  }
}

async function pull(bench: Bench, images: Images, compression: Compression): Promise<void> {
  const name = repositoryOf(compression);
  const store = new ContainerStore(bench, 'podman', name);
  const id = await store.pull(`docker://${bench.remote(name)}:v1`);
  assert.equal(id, images[compression].config.digest, 'the image ID');
  const { digest } = await getManifest(bench, name, 'v1');
  const inspect = ['inspect', '--format', '{{.Digest}}', id.replace('sha256:', '')];
  assert.equal((await store.run(...inspect)).trim(), digest, 'the digest of the manifest');
}

async function listTags(bench: Bench, store: ContainerStore): Promise<void> {
  const args = ['search', '--tls-verify=false', '--list-tags'];
  const lines = (await store.run(...args, bench.remote('gzip'))).trim().split('\n');
  assert.equal(lines.length, 2, 'a heading and a tag');
  assert.match(lines[1] ?? '', / v1$/);
}

async function search(bench: Bench, store: ContainerStore): Promise<void> {
  const args = ['search', '--tls-verify=false', '--format', '{{.Name}}'];
  const found = await store.run(...args, `${bench.host}/${bench.repository('zstd-')}`);
  assert.equal(found.trim(), bench.remote('zstd-chunked'));
}

async function pushList(bench: Bench, store: ContainerStore, index: Layout): Promise<void> {
  await store.run('manifest', 'create', 'list');
  await store.run('manifest', 'add', '--all', 'list', `oci:${index.folder}:${index.tag}`);
  const to = `docker://${bench.remote('list')}:v1`;
  await store.run('manifest', 'push', '--tls-verify=false', '--all', 'list', to);
  const { manifests } = await verifyRemote(bench, 'list', 'v1');
  assert.deepEqual(
    manifests?.map(({ platform }) => platform?.architecture),
    ['amd64', 'arm64'],
  );
  assert.equal(manifests?.[0]?.digest, index.image.digest, 'the digest of the first manifest');
}
