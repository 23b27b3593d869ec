import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import type { Bench } from './bench.ts';
import { digestOfFile } from './digest.ts';
import { installGoClient } from './go-clients.ts';
import { type Layout, writeIndex } from './image.ts';
import { makeLayer, writeRandomFile } from './layer.ts';
import { type LoginClient, logInAsRobot, loginActions } from './login-actions.ts';
import { getManifest, manifestStatus, verifyRemote } from './remote.ts';
import type { ClientSuite } from './suite.ts';

/** regctl, which uses more of the API than any other client. */
export const regctl: ClientSuite = {
  name: 'regctl',
  isAvailable: () => installGoClient('regctl'),
  async actions(bench) {
    await bench.run('regctl', ['registry', 'set', '--tls', 'disabled', bench.host]);
    const index = await writeIndex(bench, 'index', {
      amd64: await makeLayer(bench, 2_500_000),
      arm64: await makeLayer(bench, 400_000),
    });
    const client = loginClient(bench, index);
    await logInAsRobot(bench, client);
    return [
      { name: 'image copy of an index', run: () => push(bench, index) },
      { name: 'image copy to a layout', run: () => pull(bench, index) },
      { name: 'anonymous mount', run: () => mountAnonymously(bench, index) },
      { name: 'mount by name', run: () => mountByName(bench, index) },
      { name: 'chunked upload', run: () => uploadInChunks(bench) },
      { name: 'blob put and get', run: () => roundTripBlob(bench) },
      { name: 'sha512', run: () => useSha512(bench) },
      { name: 'artifact put, list, tree', run: () => attach(bench, index) },
      { name: 'referrers copied along', run: () => copyReferrers(bench, index) },
      { name: 'tag ls', run: () => list(bench) },
      { name: 'tag delete', run: () => removeTag(bench, index) },
      { name: 'manifest delete', run: () => remove(bench, index) },
      ...loginActions(bench, client, /: unauthorized$/m), // it says no more of any 401
    ];
  },
};

function loginClient(bench: Bench, { folder }: Layout): LoginClient {
  const copy = (from: string, to: string) => bench.run('regctl', ['image', 'copy', from, to]);
  return {
    hidesReasons: true,
    logIn: (login) => bench.logIn(login, 'regctl', ['registry', 'login'], '--pass-stdin'),
    logOut: () => bench.run('regctl', ['registry', 'logout', bench.host]),
    push: (reference) => copy(`ocidir://${folder}:v1`, reference),
    pull: (reference) => copy(reference, `ocidir://${bench.path('login')}:v1`),
  };
}

async function push(bench: Bench, { folder, root }: Layout): Promise<void> {
  await bench.run('regctl', ['image', 'copy', `ocidir://${folder}:v1`, bench.remote('index:v1')]);
  assert.equal((await verifyRemote(bench, 'index', 'v1')).digest, root.digest);
}

async function pull(bench: Bench, { root }: Layout): Promise<void> {
  const layout = `ocidir://${bench.path('pulled')}:v1`;
  await bench.run('regctl', ['image', 'copy', bench.remote('index:v1'), layout]);
  assert.equal((await bench.run('regctl', ['image', 'digest', layout])).trim(), root.digest);
}

/**
 * From a layout regctl does not know that another repository has the blobs: it just asks. With a
 * login it uploads them, for its token names no other repository that it may read.
 */
async function mountAnonymously(bench: Bench, { folder, root }: Layout): Promise<void> {
  const args = ['image', 'copy', `ocidir://${folder}:v1`, bench.remote('mounted:v1')];
  const requests = await trace(bench, ...args);
  assert.equal(requests.filter((request) => /^POST \S+mount=(?!\S*from=)/.test(request)).length, 4);
  assert.equal(requests.some(isUpload), bench.accounts !== null, 'mounted or uploaded');
  assert.equal((await verifyRemote(bench, 'mounted', 'v1')).digest, root.digest);
}

async function mountByName(bench: Bench, { root }: Layout): Promise<void> {
  const args = ['image', 'copy', bench.remote('index:v1'), bench.remote('mounted:v2')];
  await bench.run('regctl', args);
  const requests = await trace(bench, ...args.with(-1, bench.remote('named:v1')));
  assert.ok(
    requests.some((request) => /^POST \S+from=/.test(request)),
    'did not ask',
  );
  assert.ok(!requests.some(isUpload), 'uploaded what it could have mounted');
  assert.equal((await verifyRemote(bench, 'named', 'v1')).digest, root.digest);
}

function isUpload(request: string): boolean {
  return /^(?:PATCH|PUT) \S+\/blobs\/uploads\//.test(request);
}

/** Methods and URLs of the requests that regctl makes. */
async function trace(bench: Bench, ...args: string[]): Promise<string[]> {
  const errors = bench.path('trace.log');
  await bench.run('regctl', ['--verbosity', 'trace', ...args], { errors });
  const lines = (await readFile(errors, 'utf8')).matchAll(/req-method=(\w+) req-url="?([^" ]+)/g);
  return [...lines].map(([, method, url]) => `${method} ${url}`);
}

/** A blob of a size that no chunk divides, in chunks of 1 MiB. */
async function uploadInChunks(bench: Bench): Promise<void> {
  const chunks = ['--blob-max', '1', '--blob-chunk', String(1024 * 1024)];
  await bench.run('regctl', ['registry', 'set', ...chunks, bench.host]);
  try {
    const layout = await writeIndex(bench, 'chunked', { amd64: await makeLayer(bench, 7_654_321) });
    const args = ['image', 'copy', `ocidir://${layout.folder}:v1`, bench.remote('chunked:v1')];
    const patches = (await trace(bench, ...args)).filter((request) => request.startsWith('PATCH'));
    assert.ok(patches.length >= 8, `${patches.length} chunks`);
    assert.equal((await verifyRemote(bench, 'chunked', 'v1')).digest, layout.root.digest);
  } finally {
    const defaults = ['--blob-max=0', '--blob-chunk=0'];
    await bench.run('regctl', ['registry', 'set', ...defaults, bench.host]);
  }
}

async function roundTripBlob(bench: Bench): Promise<void> {
  const input = bench.path('blob');
  await writeRandomFile(input, 3_333_333);
  const digest = (
    await bench.run('regctl', ['blob', 'put', bench.remote('blobs')], { input })
  ).trim();
  assert.equal(digest, await digestOfFile(input));
  const output = bench.path('blob-back');
  await bench.run('regctl', ['blob', 'get', bench.remote('blobs'), digest], { output });
  assert.equal(await digestOfFile(output), digest);
  await bench.run('regctl', ['blob', 'delete', bench.remote('blobs'), digest]);
  await bench.runToFailure('regctl', ['blob', 'head', bench.remote('blobs'), digest]);
}

async function useSha512(bench: Bench): Promise<void> {
  const to = bench.remote('sha512:v1');
  const args = ['--digest-algo', 'sha512', '--create', to, bench.remote('index:v1')];
  await bench.run('regctl', ['image', 'mod', ...args]);
  const digest = (await bench.run('regctl', ['manifest', 'head', to])).trim();
  assert.match(digest, /^sha512:[0-9a-f]{128}$/);
  const { manifests } = await verifyRemote(bench, 'sha512', digest);
  for (const { digest: child } of manifests ?? []) {
    assert.match(child, /^sha512:/);
    const { config, layers = [] } = await getManifest(bench, 'sha512', child);
    assert.ok([config, ...layers].every((blob) => blob?.digest.startsWith('sha512:')));
  }
  const layout = `ocidir://${bench.path('sha512')}:v1`;
  await bench.run('regctl', ['image', 'copy', to, layout]);
  assert.equal((await bench.run('regctl', ['image', 'digest', layout])).trim(), digest);
}

const SBOM = 'application/vnd.example.sbom';

async function attach(bench: Bench, { root }: Layout): Promise<void> {
  const input = bench.path('sbom.json');
  await writeFile(input, '{"spdxVersion":"SPDX-2.3"}');
  const subject = bench.remote('index:v1');
  const args = ['--artifact-type', SBOM, '--subject', subject];
  await bench.run('regctl', ['artifact', 'put', ...args], { input });
  const list = await bench.run('regctl', ['artifact', 'list', '--format', '{{json .}}', subject]);
  const { descriptors, subject: listed } = JSON.parse(list);
  assert.equal(listed.Digest ?? root.digest, root.digest);
  assert.equal(descriptors.length, 1, list);
  assert.equal(descriptors[0].artifactType, SBOM);
  await verifyRemote(bench, 'index', descriptors[0].digest);
  const none = ['--filter-artifact-type', 'application/none', '--format', '{{json .}}', subject];
  const { descriptors: filtered } = JSON.parse(
    await bench.run('regctl', ['artifact', 'list', ...none]),
  );
  assert.equal(filtered?.length ?? 0, 0);
  const tree = await bench.run('regctl', ['artifact', 'tree', subject]);
  assert.ok(tree.includes(descriptors[0].digest), tree);
}

async function copyReferrers(bench: Bench, { root }: Layout): Promise<void> {
  const to = bench.remote('referred:v1');
  await bench.run('regctl', ['image', 'copy', '--referrers', bench.remote('index:v1'), to]);
  assert.equal((await verifyRemote(bench, 'referred', 'v1')).digest, root.digest);
  assert.ok((await bench.run('regctl', ['artifact', 'tree', to])).includes(SBOM));
}

async function list(bench: Bench): Promise<void> {
  for (const tag of ['v10', 'v2', 'latest']) {
    const args = ['image', 'copy', bench.remote('index:v1'), bench.remote(`index:${tag}`)];
    await bench.run('regctl', args);
  }
  const tags = await bench.run('regctl', ['tag', 'ls', bench.remote('index')]);
  assert.equal(tags.trim(), 'latest\nv1\nv10\nv2');
  const page = ['--limit', '2', '--last', 'v1', bench.remote('index')];
  assert.equal((await bench.run('regctl', ['tag', 'ls', ...page])).trim(), 'v10\nv2');
}

/** Where a registry deletes no tags, regctl would have to delete a manifest put in its place. */
async function removeTag(bench: Bench, { root }: Layout): Promise<void> {
  const requests = await trace(bench, 'tag', 'delete', bench.remote('index:v2'));
  assert.ok(!requests.some((request) => request.startsWith('PUT')), 'fell back to a manifest');
  assert.equal(await manifestStatus(bench, 'index', 'v2'), 404, 'v2 is there');
  assert.equal(await manifestStatus(bench, 'index', 'v1'), 200, 'v1 is gone');
  assert.equal(await manifestStatus(bench, 'index', root.digest), 200, 'the manifest is gone');
}

async function remove(bench: Bench, { root }: Layout): Promise<void> {
  await bench.run('regctl', ['manifest', 'delete', `${bench.remote('index')}@${root.digest}`]);
  for (const gone of ['v1', 'v10', 'latest', root.digest]) {
    assert.equal(await manifestStatus(bench, 'index', gone), 404, `${gone} is there`);
  }
}
