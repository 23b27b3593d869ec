import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Api } from '../edgewater/api.ts';
import { waitForPort } from '../registry/port.ts';
import type { Bench } from './bench.ts';
import { findCommand, requireCommands } from './commands.ts';
import { startDaemon } from './daemon.ts';
import { type Layout, writeIndex } from './image.ts';
import { makeLayer } from './layer.ts';
import { type MirrorRegistry, startMirrorRegistry } from './mirror-registry.ts';
import { attachReferrer, type Referrer } from './referrer.ts';
import type { ClientSuite } from './suite.ts';

const MIRROR = 'zot.example';
const REPOSITORY = 'team/app';
const NAME = `${MIRROR}/${REPOSITORY}`;
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** zot as the upstream of a mirror: it lists referrers by OCI 1.1's API. */
export const zot: ClientSuite = {
  name: 'zot',
  async isAvailable() {
    if ((await findCommand('zot')) === null) {
      return { why: 'zot is not on the PATH' };
    }
    const all = await requireCommands('skopeo');
    return 'why' in all ? all : { version: '' };
  },
  async actions(bench) {
    const image = await writeIndex(bench, 'image', {
      amd64: await makeLayer(bench, 300_000),
      arm64: await makeLayer(bench, 300_000),
    });
    const { url, stop } = await startZot(bench);
    const { folder, tag, root } = image;
    const to = `docker://${new URL(url).host}/${REPOSITORY}:${tag}`;
    const push = ['--insecure-policy', 'copy', '--all', '--dest-tls-verify=false'];
    await bench.run('skopeo', [...push, `oci:${folder}:${tag}`, to]);
    const referrer = await attachReferrer({ url, name: REPOSITORY }, root);
    const registry = await startMirrorRegistry(bench, { mirrors: { [MIRROR]: { url } } });
    const reads = [
      { name: 'pull by tag', run: () => pull(bench, registry, image, `:${tag}`) },
      { name: 'pull by digest', run: () => pull(bench, registry, image, `@${root.digest}`) },
      { name: 'referrers', run: () => expectReferrer(registry, image, referrer) },
    ];
    return [
      ...reads,
      { name: 'stop zot', run: stop },
      ...reads.map(({ name, run }) => ({ name: `${name}, zot stopped`, run })),
    ];
  },
};

async function startZot(bench: Bench): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await waitForPort(0, '127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  const config = bench.path('zot.json');
  const settings = {
    distSpecVersion: '1.1.1',
    storage: { rootDirectory: bench.path('zot') },
    http: { address: '127.0.0.1', port: String(port) },
    log: { level: 'error' },
  };
  await writeFile(config, JSON.stringify(settings));
  const daemon = await startDaemon(bench, 'zot', ['serve', config], () => fetch(`${url}/v2/`));
  const stop = async () => {
    const exited = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await exited;
  };
  return { url, stop };
}

let copies = 0;

async function pull(bench: Bench, { url, admin }: MirrorRegistry, image: Layout, what: string) {
  const to = bench.path(`copied-${++copies}`);
  const login = ['--src-tls-verify=false', '--src-creds', `${admin.username}:${admin.password}`];
  const from = `docker://${new URL(url).host}/${NAME}${what}`;
  const copy = ['--insecure-policy', 'copy', '--all', ...login, from, `oci:${to}:v1`];
  await bench.run('skopeo', copy);
  const raw = bench.path('raw.json');
  await bench.run('skopeo', ['inspect', '--raw', `oci:${to}:v1`], { output: raw });
  const digest = await bench.run('skopeo', ['manifest-digest', raw]);
  assert.equal(digest.trim(), image.root.digest);
}

/** It is listed with its type and annotations, and can be read with what it names. */
async function expectReferrer({ url, admin }: MirrorRegistry, image: Layout, referrer: Referrer) {
  const headers = new Api(url, admin).authorization;
  const get = async (path: string) => {
    const response = await fetch(`${url}/v2/${NAME}/${path}`, { headers });
    assert.equal(response.status, 200, path);
    return response;
  };
  const list = await get(`referrers/${image.root.digest}`);
  assert.equal(list.headers.get('Content-Type'), INDEX);
  assert.deepEqual(((await list.json()) as { manifests: unknown }).manifests, [referrer]);
  const manifest = await get(`manifests/${referrer.digest}`);
  const { layers } = (await manifest.json()) as { layers: { digest: string }[] };
  assert.equal(
    await (await get(`blobs/${layers[0]?.digest}`)).text(),
    `{"of":"${image.root.digest}"}`,
  );
}
