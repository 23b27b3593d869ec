/** `edgewater export` and back by `edgewater push`, and what other tools say of the folder. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Edge } from '../../scripts/clients/edge.ts';
import { type LocalRegistry, startRegistry } from '../../scripts/registry/local-registry.ts';
import { call, newRepository, push, useRegistry } from '../support/client.ts';
import {
  artifactOf,
  descriptorOf,
  indexOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  randomImage,
  type TestManifest,
} from '../support/images.ts';

const CLI = resolve(import.meta.dirname, '../../scripts/edgewater.ts');
const LARGE = 3 * 2 ** 20; // bytes

let folder: string; // of one test
let state: string;
const registries: LocalRegistry[] = [];

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'edgewater-export-'));
  for (const name of ['from', 'to']) {
    const options = { port: 0, host: '127.0.0.1', log: 'off', adminPassword: null } as const;
    registries.push(await startRegistry({ ...options, state: join(state, name) }));
  }
});

afterAll(async () => {
  await Promise.all(registries.map((registry) => registry.stop()));
  await rm(state, { recursive: true, force: true });
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewater-export-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  use(0);
});

const urlOf = (index: number) => registries[index]?.url ?? '';

const use = (index: number) => useRegistry(urlOf(index), (request) => fetch(request));

async function edgewater(args: readonly string[], url = urlOf(0)) {
  const env = { ...process.env, XDG_CONFIG_HOME: join(folder, 'home'), EDGEWATER_URL: url };
  const child = spawn(process.execPath, [CLI, ...args], { env });
  const exited = new Promise<number | null>((done) => child.once('close', done));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, stdout, stderr };
}

function largeImage(): TestManifest {
  const config = randomBlob(200);
  const layer = randomBlob(LARGE);
  const body = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config, OCI_CONFIG),
    layers: [descriptorOf(layer)],
  };
  return manifestOf(body, OCI_MANIFEST, [config, layer]);
}

/** An index of two images, tagged; a signature of it, one of a child, and an SBOM of the signature. */
async function pushAll(repository: string) {
  const children = [randomImage(), largeImage()];
  const index = indexOf(children);
  for (const child of children) {
    await push(repository, child);
  }
  await push(repository, index, 'v1');
  const signature = artifactOf('application/vnd.example.signature', index);
  const referrers = [
    signature,
    artifactOf('application/vnd.example.signature', children[0] ?? index),
    artifactOf('application/vnd.example.sbom', signature),
  ];
  for (const referrer of referrers) {
    await push(repository, referrer);
  }
  return { children, index, referrers };
}

const bytesAt = async (path: string) =>
  new Uint8Array(await (await call('GET', path)).arrayBuffer());

describe.each(['layout', 'image.tar'])('into %s', (target) => {
  test('and from there to another registry: the same digests, tags and referrers', async () => {
    const repository = newRepository();
    const { children, index, referrers } = await pushAll(repository);
    const path = join(folder, target);
    const exported = await edgewater(['export', `${repository}:v1`, path, '--referrers']);
    expect(exported.code, exported.stderr).toBe(0);
    expect(exported.stdout).toBe(`${index.digest}\n`);
    expect((await readdir(folder)).filter((name) => name !== 'home')).toEqual([target]);

    const pushed = await edgewater(['push', path, 'other/app:v1'], urlOf(1));
    expect(pushed.code, pushed.stderr).toBe(0);
    expect(pushed.stdout).toBe(exported.stdout);
    use(1);
    expect(await bytesAt('/v2/other/app/manifests/v1')).toEqual(index.bytes);
    for (const manifest of [...children, ...referrers]) {
      expect(await bytesAt(`/v2/other/app/manifests/${manifest.digest}`)).toEqual(manifest.bytes);
    }
    const list = await (await call('GET', `/v2/other/app/referrers/${index.digest}`)).json();
    expect(list).toMatchObject({ manifests: [{ digest: referrers[0]?.digest }] });
    const tags = await (await call('GET', '/v2/other/app/tags/list')).json();
    expect(tags).toMatchObject({ tags: ['v1'] });
  });
});

test('a line that breaks: goes on by Range; what is there is not fetched again', async () => {
  const repository = newRepository();
  const image = largeImage();
  await push(repository, image, 'v1');
  const [, layer] = image.blobs;
  let cuts = 0;
  const ranges: (string | undefined)[] = [];
  const edge = await Edge.start({
    to: urlOf(0),
    limit: 1e6,
    fault: ({ path, headers }) => {
      if (!path.endsWith(`/blobs/${layer?.digest}`)) {
        return null;
      }
      ranges.push(headers.range);
      cuts += 1;
      return cuts > 3 ? null : { kind: 'cutAnswer', after: 500_000 };
    },
  });
  onTestFinished(() => edge.stop());
  const path = join(folder, 'layout');
  const first = await edgewater(['export', `${repository}@${image.digest}`, path], edge.url);
  expect(first.code, first.stderr).toBe(0);
  expect(ranges).toHaveLength(4);
  expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  expect(await readFile(fileOf(path, layer?.digest))).toEqual(Buffer.from(layer?.bytes ?? []));

  await writeFile(fileOf(path, image.blobs[0]?.digest), 'damaged');
  const second = await edgewater(['export', `${repository}:v1`, path], edge.url);
  expect(second.stderr).toContain('1 blob fetched, 1 was there');
  expect(ranges).toHaveLength(4);
  const { manifests } = JSON.parse(await readFile(join(path, 'index.json'), 'utf8'));
  expect(manifests).toMatchObject([
    { digest: image.digest },
    { digest: image.digest, annotations: { 'org.opencontainers.image.ref.name': 'v1' } },
  ]);
});

const fileOf = (layout: string, digest = '') => join(layout, 'blobs', digest.replace(':', '/'));

test('into an archive, twice: the same bytes', async () => {
  const repository = newRepository();
  await pushAll(repository);
  const files = [join(folder, 'one.tar'), join(folder, 'two.tar')];
  for (const file of files) {
    expect((await edgewater(['export', `${repository}:v1`, file])).code).toBe(0);
  }
  const [one, two] = await Promise.all(files.map((file) => readFile(file)));
  expect(one?.equals(two ?? Buffer.alloc(0))).toBe(true);
});

test.each([
  ['nothing:v1', 1, 'edgewater: manifest v1: '],
  ['acme/app@sha256:abc', 2, 'is no digest'],
])('of %s: exit code %i', async (name, code, message) => {
  const run = await edgewater(['export', name, join(folder, 'layout')]);
  expect(run.code).toBe(code);
  expect(run.stderr).toContain(message);
});

const run = promisify(execFile);
const isThere = async (tool: string) =>
  run(tool, ['--version']).then(
    () => true,
    () => false,
  );

test.runIf(await isThere('skopeo'))('skopeo reads the folder and copies it', async () => {
  const repository = newRepository();
  const image = randomImage();
  await push(repository, image, 'v1');
  const path = join(folder, 'layout');
  await edgewater(['export', `${repository}:v1`, path]);
  const raw = await run('skopeo', ['inspect', '--raw', `oci:${path}:v1`]);
  expect(raw.stdout).toBe(new TextDecoder().decode(image.bytes));
  const target = `docker://${new URL(urlOf(1)).host}/copied/app:v1`;
  await run('skopeo', [
    '--insecure-policy',
    'copy',
    '--preserve-digests',
    '--dest-tls-verify=false',
    `oci:${path}:v1`,
    target,
  ]);
  use(1);
  expect(await bytesAt('/v2/copied/app/manifests/v1')).toEqual(image.bytes);
});

test.runIf(await isThere('umoci'))('umoci reads the folder', async () => {
  const repository = newRepository();
  await push(repository, randomImage(), 'v1');
  const path = join(folder, 'layout');
  await edgewater(['export', `${repository}:v1`, path]);
  expect((await run('umoci', ['ls', '--layout', path])).stdout).toBe('v1\n');
});
