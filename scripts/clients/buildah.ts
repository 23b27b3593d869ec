import assert from 'node:assert/strict';
import type { Bench } from './bench.ts';
import { requireRoot } from './commands.ts';
import { ContainerStore } from './container-store.ts';
import { digestOfFile } from './digest.ts';
import { writeRandomFile } from './layer.ts';
import { logInAsRobot, loginActions } from './login-actions.ts';
import { getManifest, verifyRemote } from './remote.ts';
import type { ClientSuite } from './suite.ts';

/** buildah, which makes its image itself. */
export const buildah: ClientSuite = {
  name: 'buildah',
  isAvailable: () => requireRoot('buildah'),
  async actions(bench) {
    const store = new ContainerStore(bench, 'buildah', 'main');
    const file = bench.path('payload');
    await writeRandomFile(file, 900_000);
    let id = '';
    const client = store.loginClient(() => id);
    await logInAsRobot(bench, client);
    return [
      {
        name: 'build from scratch',
        async run() {
          id = await build(store, file);
        },
      },
      { name: 'push', run: () => push(bench, store, id, 'oci', 'oci') },
      { name: 'pull into a clean store', run: () => pull(bench, id, file) },
      { name: 'push as Docker v2s2', run: () => push(bench, store, id, 'docker', 'v2s2') },
      { name: 'build FROM the registry', run: () => buildFrom(bench, id) },
      ...loginActions(bench, client),
    ];
  },
};

async function build(store: ContainerStore, file: string): Promise<string> {
  const container = (await store.run('from', 'scratch')).trim();
  await store.run('copy', container, file, '/payload');
  await store.run('config', '--env', 'SUITE=edgewater', '--cmd', '/none', container);
  const id = await store.run('commit', '--quiet', container, 'built');
  return `sha256:${id.trim().replace('sha256:', '')}`;
}

/** Pushed as Docker's, the config is another one: its type differs. */
async function push(
  bench: Bench,
  store: ContainerStore,
  id: string,
  name: string,
  format: 'oci' | 'v2s2',
): Promise<void> {
  await store.push(id, `${bench.remote(name)}:v1`, '--format', format);
  const { mediaType, config } = await verifyRemote(bench, name, 'v1');
  if (format === 'oci') {
    assert.equal(config?.digest, id, 'the image ID');
  } else {
    assert.equal(mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
  }
}

async function pull(bench: Bench, id: string, file: string): Promise<void> {
  const store = new ContainerStore(bench, 'buildah', 'clean');
  assert.equal(await store.pull(`docker://${bench.remote('oci')}:v1`), id, 'the image ID');
  const { digest } = await getManifest(bench, 'oci', 'v1');
  const format = ['inspect', '--type', 'image', '--format', '{{.FromImageDigest}}'];
  assert.equal((await store.run(...format, id.replace('sha256:', ''))).trim(), digest);
  const container = (await store.run('from', id.replace('sha256:', ''))).trim();
  const mounted = (await store.run('mount', container)).trim();
  assert.equal(await digestOfFile(`${mounted}/payload`), await digestOfFile(file), 'the content');
  await store.run('rm', container);
}

/** `from` is the step of a build that pulls. */
async function buildFrom(bench: Bench, id: string): Promise<void> {
  const store = new ContainerStore(bench, 'buildah', 'from');
  const from = ['from', '--quiet', '--tls-verify=false'];
  const container = (await store.run(...from, `${bench.remote('oci')}:v1`)).trim();
  const inspect = ['inspect', '--format', '{{.FromImageID}}', container];
  assert.equal(`sha256:${(await store.run(...inspect)).trim()}`, id, 'the image ID');
  await store.run('config', '--label', 'built=twice', container);
  await store.run('commit', '--quiet', container, 'derived');
  await store.push('derived', bench.remote('derived:v1'));
  await verifyRemote(bench, 'derived', 'v1');
}
