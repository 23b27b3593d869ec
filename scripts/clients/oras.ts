import assert from 'node:assert/strict';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import type { Bench } from './bench.ts';
import { digestOfFile } from './digest.ts';
import { installGoClient } from './go-clients.ts';
import { writeRandomFile } from './layer.ts';
import { type LoginClient, logInAsRobot, loginActions } from './login-actions.ts';
import { manifestStatus, verifyRemote } from './remote.ts';
import type { ClientSuite } from './suite.ts';

/** oras, with files that are no images. */
export const oras: ClientSuite = {
  name: 'oras',
  isAvailable: () => installGoClient('oras'),
  async actions(bench) {
    await writeRandomFile(bench.path(FILE), 1_234_567);
    await writeFile(bench.path('sbom.json'), '{"spdxVersion":"SPDX-2.3"}');
    await writeFile(bench.path('note.txt'), 'signed off\n');
    const artifact: Artifact = { digest: '', sbom: '' };
    const client = loginClient(bench);
    await logInAsRobot(bench, client);
    return [
      { name: 'push', run: () => push(bench, artifact) },
      { name: 'pull', run: () => pull(bench) },
      { name: 'attach', run: () => attach(bench, artifact) },
      { name: 'discover as JSON', run: () => discoverJson(bench, artifact) },
      { name: 'discover as a tree', run: () => discoverTree(bench, artifact) },
      { name: 'cp -r', run: () => copy(bench, artifact) },
      { name: 'repo tags, repo ls', run: () => list(bench) },
      { name: 'manifest fetch', run: () => fetchManifest(bench, artifact) },
      { name: 'blob push, fetch, delete', run: () => roundTripBlob(bench) },
      { name: 'backup, restore', run: () => backUp(bench, artifact) },
      { name: 'manifest delete', run: () => remove(bench, artifact) },
      ...loginActions(bench, client),
    ];
  },
};

/** Digests that the first actions find out. */
interface Artifact {
  digest: string;
  sbom: string; // attached to it
}

const FILE = 'payload.bin';
const HTTP = '--plain-http';
const SBOM = 'application/vnd.example.sbom';
const NOTE = 'application/vnd.example.note';

function loginClient(bench: Bench): LoginClient {
  const folder = bench.path('login');
  return {
    logIn: (login) => bench.logIn(login, 'oras', ['login', HTTP]),
    logOut: () => bench.run('oras', ['logout', bench.host]),
    push: (reference) => bench.run('oras', ['push', HTTP, reference, 'note.txt:text/plain']),
    pull: (reference) => bench.run('oras', ['pull', HTTP, '--output', folder, reference]),
  };
}

async function runJson(bench: Bench, ...args: string[]) {
  return JSON.parse(await bench.run('oras', [...args, HTTP, '--format', 'json']));
}

async function push(bench: Bench, artifact: Artifact): Promise<void> {
  const type = ['--artifact-type', 'application/vnd.example.thing'];
  const file = `${FILE}:application/octet-stream`;
  artifact.digest = (await runJson(bench, 'push', ...type, bench.remote('thing:v1'), file)).digest;
  const { digest, layers } = await verifyRemote(bench, 'thing', 'v1');
  assert.equal(digest, artifact.digest);
  assert.equal(layers?.[0]?.digest, await digestOfFile(bench.path(FILE)));
}

async function pull(bench: Bench): Promise<void> {
  const folder = bench.path('pulled');
  await mkdir(folder);
  await bench.run('oras', ['pull', HTTP, '--output', folder, bench.remote('thing:v1')]);
  assert.equal(await digestOfFile(`${folder}/${FILE}`), await digestOfFile(bench.path(FILE)));
}

/** The note is attached to the SBOM: referrers two levels deep. */
async function attach(bench: Bench, artifact: Artifact): Promise<void> {
  const thing = bench.remote('thing:v1');
  const sbom = ['--artifact-type', SBOM, thing, 'sbom.json:application/json'];
  artifact.sbom = (await runJson(bench, 'attach', ...sbom)).digest;
  const note = ['--artifact-type', NOTE, `${bench.remote('thing')}@${artifact.sbom}`];
  const { digest } = await runJson(bench, 'attach', ...note, 'note.txt:text/plain');
  await verifyRemote(bench, 'thing', digest);
  assert.equal(
    await manifestStatus(bench, 'thing', tagOf(artifact.digest)),
    404,
    'fell back to a tag',
  );
}

/** The tag that clients keep referrers under where a registry does not. */
function tagOf(digest: string): string {
  return digest.replace(':', '-');
}

async function discoverJson(bench: Bench, { sbom }: Artifact): Promise<void> {
  const { referrers } = await runJson(bench, 'discover', bench.remote('thing:v1'));
  assert.equal(referrers.length, 1);
  assert.equal(referrers[0].digest, sbom);
  assert.equal(referrers[0].artifactType, SBOM);
  assert.equal(referrers[0].referrers[0].artifactType, NOTE);
  const other = ['--artifact-type', NOTE, bench.remote('thing:v1')];
  assert.deepEqual((await runJson(bench, 'discover', ...other)).referrers, []);
}

async function discoverTree(bench: Bench, { digest, sbom }: Artifact): Promise<void> {
  const tree = await bench.run('oras', [
    'discover',
    HTTP,
    '--format',
    'tree',
    bench.remote('thing:v1'),
  ]);
  for (const part of [digest, SBOM, sbom, NOTE]) {
    assert.ok(tree.includes(part), `no ${part} in ${tree}`);
  }
}

async function copy(bench: Bench, { digest, sbom }: Artifact): Promise<void> {
  const both = ['--from-plain-http', '--to-plain-http'];
  const [from, to] = [bench.remote('thing:v1'), bench.remote('copy:v1,v2')];
  await bench.run('oras', ['cp', '--recursive', ...both, from, to]);
  assert.equal((await verifyRemote(bench, 'copy', 'v2')).digest, digest);
  const { referrers } = await runJson(bench, 'discover', bench.remote('copy:v1'));
  assert.equal(referrers[0].digest, sbom);
}

async function list(bench: Bench): Promise<void> {
  const tags = await bench.run('oras', ['repo', 'tags', HTTP, bench.remote('copy')]);
  assert.equal(tags, 'v1\nv2\n');
  const later = await bench.run('oras', [
    'repo',
    'tags',
    HTTP,
    '--last',
    'v1',
    bench.remote('copy'),
  ]);
  assert.equal(later, 'v2\n');
  const repositories = await bench.run('oras', ['repo', 'ls', HTTP, bench.remote('')]);
  assert.equal(repositories, 'copy\nthing\n');
}

async function fetchManifest(bench: Bench, { digest }: Artifact): Promise<void> {
  const output = bench.path('manifest.json');
  await bench.run('oras', ['manifest', 'fetch', HTTP, bench.remote('thing:v1')], { output });
  assert.equal(await digestOfFile(output), digest);
  const descriptor = ['manifest', 'fetch', HTTP, '--descriptor', bench.remote('thing:v1')];
  assert.equal(JSON.parse(await bench.run('oras', descriptor)).digest, digest);
}

async function roundTripBlob(bench: Bench): Promise<void> {
  const file = bench.path('blob');
  await writeRandomFile(file, 3_333_333);
  const digest = await digestOfFile(file);
  const blob = `${bench.remote('blobs')}@${digest}`;
  await bench.run('oras', ['blob', 'push', HTTP, blob, file]);
  const back = bench.path('blob-back');
  await bench.run('oras', ['blob', 'fetch', HTTP, '--output', back, blob]);
  assert.equal(await digestOfFile(back), digest);
  await bench.run('oras', ['blob', 'delete', HTTP, '--force', blob]);
  await bench.runToFailure('oras', ['blob', 'fetch', HTTP, '--descriptor', blob]);
}

async function backUp(bench: Bench, { digest, sbom }: Artifact): Promise<void> {
  const archive = bench.path('backup.tar');
  const out = ['--output', archive, '--include-referrers'];
  await bench.run('oras', ['backup', HTTP, ...out, bench.remote('thing:v1')]);
  assert.ok((await stat(archive)).size > 1_234_567, 'the backup is too small');
  await bench.run('oras', ['restore', HTTP, '--input', archive, bench.remote('restored:v1')]);
  assert.equal((await verifyRemote(bench, 'restored', 'v1')).digest, digest);
  const { referrers } = await runJson(bench, 'discover', bench.remote('restored:v1'));
  assert.equal(referrers[0].digest, sbom);
}

async function remove(bench: Bench, { digest }: Artifact): Promise<void> {
  await bench.run('oras', ['manifest', 'delete', HTTP, '--force', bench.remote('copy:v2')]);
  for (const gone of ['v1', 'v2', digest]) {
    assert.equal(await manifestStatus(bench, 'copy', gone), 404, `${gone} is there`);
  }
  assert.equal(await manifestStatus(bench, 'thing', 'v1'), 200, 'gone elsewhere too');
}
