/** `edgewater push` of every kind of source, before an edge with a limit. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { create } from 'tar';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Edge, type EdgeOptions } from '../../scripts/clients/edge.ts';
import { type LocalRegistry, startRegistry } from '../../scripts/registry/local-registry.ts';
import { newRepository } from '../support/client.ts';
import {
  descriptorOf,
  indexOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  randomImage,
  type TestManifest,
} from '../support/images.ts';
import { blobFile, writeArchive, writeLayout } from './push-sources.ts';

const CLI = resolve(import.meta.dirname, '../../scripts/edgewater.ts');
const PASSWORD = 'correct horse battery staple';
const AUTHORIZATION = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`;
const MEBIBYTE = 2 ** 20;

let state: string;
let folder: string; // of one test
let registry: LocalRegistry;
let repository: string;
let pushing: ChildProcess;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'edgewater-push-test-'));
  registry = await startRegistry({
    port: 0,
    host: '127.0.0.1',
    state,
    log: 'off',
    adminPassword: PASSWORD,
  });
});

afterAll(async () => {
  await registry?.stop();
  await rm(state, { recursive: true, force: true });
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewater-push-source-'));
  repository = newRepository();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `edgewater push` with chunks of 1 MiB, at an edge that takes half as much again. */
async function push(args: readonly string[], edge: Partial<EdgeOptions> = {}): Promise<Run> {
  const front = await Edge.start({ to: registry.url, limit: 1.5 * MEBIBYTE, ...edge });
  onTestFinished(() => front.stop());
  const scratch = join(folder, 'scratch');
  await mkdir(scratch, { recursive: true });
  const env = {
    ...process.env,
    PATH: `${folder}${delimiter}${process.env.PATH}`,
    TMPDIR: scratch,
    XDG_CONFIG_HOME: join(folder, 'home'),
    EDGEWATER_USER: 'admin',
    EDGEWATER_PASSWORD: PASSWORD,
    EDGEWATER_URL: front.url,
  };
  const child = spawn(process.execPath, [CLI, 'push', '--chunk-size', '1', ...args], { env });
  pushing = child;
  const exited = new Promise<number | null>((done) => child.once('close', done));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(await readdir(scratch), 'what is left behind').toEqual([]);
  expect(stdout + stderr).not.toContain(PASSWORD);
  return { code: await exited, stdout, stderr };
}

async function get(path: string): Promise<Response> {
  const headers = { Authorization: AUTHORIZATION };
  return fetch(`${registry.url}/v2/${repository}/${path}`, { headers });
}

async function expectPushed(run: Run, reference: string): Promise<Record<string, unknown>> {
  expect(run.code, run.stderr).toBe(0);
  const manifest = await get(`manifests/${reference}`);
  expect(run.stdout).toBe(`${manifest.headers.get('Docker-Content-Digest')}\n`);
  return (await manifest.json()) as Record<string, unknown>;
}

/** An image with a layer that does not fit a request. */
function largeImage(): TestManifest {
  const config = randomBlob(200);
  const layer = randomBlob(2.3 * MEBIBYTE);
  const body = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config, OCI_CONFIG),
    layers: [descriptorOf(layer)],
  };
  return manifestOf(body, OCI_MANIFEST, [config, layer]);
}

describe('an OCI layout', () => {
  test('in a folder, with a layer above the limit; again there is nothing to send', async () => {
    const image = largeImage();
    await writeLayout(join(folder, 'layout'), [image]);
    const first = await push([join(folder, 'layout'), `${repository}:v1`]);
    await expectPushed(first, 'v1');
    expect(first.stdout).toBe(`${image.digest}\n`);
    expect(first.stderr).toContain('2 blobs sent, 0 were there');
    const second = await push([join(folder, 'layout'), `${repository}:v2`]);
    expect(second.stderr).toContain('0 blobs sent, 2 were there');
    await expectPushed(second, 'v2');
  });

  test('in an archive, gzipped, with --json', async () => {
    const image = largeImage();
    await writeLayout(join(folder, 'layout'), [image]);
    const file = join(folder, 'layout.tar.gz');
    await create({ cwd: join(folder, 'layout'), file, gzip: true }, ['.']);
    const { code, stdout, stderr } = await push([file, repository, '--json']);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      repository,
      tag: 'latest',
      digest: image.digest,
      blobs: { sent: 2, present: 0 },
      missing: [],
    });
  });

  test('with an index: what is named before what names it', async () => {
    const children = [randomImage(), largeImage()];
    const index = indexOf(children);
    await writeLayout(join(folder, 'layout'), [index, ...children]);
    const run = await push([join(folder, 'layout'), `${repository}:v1`]);
    await expectPushed(run, 'v1');
    for (const { digest } of children) {
      expect((await get(`manifests/${digest}`)).status).toBe(200);
    }
  });

  test('with an index of which a part is missing: says which, and the registry decides', async () => {
    const children = [randomImage(), randomImage()];
    const index = indexOf(children);
    await writeLayout(join(folder, 'layout'), [index, ...children]);
    const [gone, there] = children;
    const [blob] = gone?.blobs ?? [];
    await rm(blobFile(join(folder, 'layout'), blob?.digest ?? ''));
    const run = await push([join(folder, 'layout'), `${repository}:v1`]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`the index names ${gone?.digest}, which the source does not have`);
    expect(run.stderr).toContain(`manifest ${index.digest}: `);
    expect((await get(`manifests/${there?.digest}`)).status).toBe(200);
    expect((await get('manifests/v1')).status).toBe(404);
  });

  test('with indexes that name each other many times: each is read once', async () => {
    let index = randomImage();
    const all = [index];
    for (let depth = 0; depth < 7; depth += 1) {
      index = indexOf(Array.from({ length: 40 }, () => index));
      all.unshift(index);
    }
    await writeLayout(join(folder, 'layout'), all);
    await expectPushed(await push([join(folder, 'layout'), `${repository}:v1`]), 'v1');
  }, 15_000);

  test('in a folder with links: one inside is followed, one that leads out is refused', async () => {
    const image = largeImage();
    const layout = join(folder, 'layout');
    await writeLayout(layout, [image]);
    const [, layer] = image.blobs;
    const file = blobFile(layout, layer?.digest ?? '');
    for (const [place, code] of [
      [join(layout, 'moved'), 0],
      [join(folder, 'outside'), 1],
    ] as const) {
      await writeFile(place, layer?.bytes ?? '');
      await rm(file);
      await symlink(place, file);
      const run = await push([layout, `${repository}:v${code}`]);
      expect(run.code, run.stderr).toBe(code);
      expect(run.stderr).toContain(code === 0 ? 'blobs sent' : 'outside of it');
    }
  });

  test('that is damaged does not get its manifest there', async () => {
    const image = largeImage();
    await writeLayout(join(folder, 'layout'), [image]);
    const [, layer] = image.blobs;
    const file = blobFile(join(folder, 'layout'), layer?.digest ?? '');
    const bytes = await readFile(file);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(file, bytes);
    const run = await push([join(folder, 'layout'), `${repository}:v1`]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('the source is damaged');
    expect((await get('manifests/v1')).status).toBe(404);
  });

  test.each(['../../etc/passwd', 'sha256:../../../etc/passwd'])(
    'that names %s is refused',
    async (digest) => {
      const image = manifestOf({ schemaVersion: 2, layers: [{ digest, size: 1 }] });
      await writeLayout(join(folder, 'layout'), [image]);
      const run = await push([join(folder, 'layout'), `${repository}:v1`]);
      expect(run.code).toBe(1);
      expect(run.stderr).toContain('no digest that is understood');
    },
  );
});

describe('a docker archive', () => {
  test('has its layers compressed, the same each time', async () => {
    const { id } = await writeArchive(join(folder, 'archive'), 2.3 * MEBIBYTE);
    const file = join(folder, 'app.tar');
    await create({ cwd: join(folder, 'archive'), file }, ['.']);
    const first = await push([file, `${repository}:v1`]);
    const manifest = await expectPushed(first, 'v1');
    expect(manifest).toMatchObject({
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: { digest: id },
      layers: [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }],
    });
    const second = await push([file, `${repository}:v2`]);
    expect(second.stdout).toBe(first.stdout);
    expect(second.stderr).toContain('0 blobs sent, 2 were there');
  });

  test('of docker’s, by its name or without a daemon an explanation', async () => {
    await writeArchive(join(folder, 'archive'), 1000);
    const file = join(folder, 'app.tar');
    await create({ cwd: join(folder, 'archive'), file }, ['.']);
    const docker = join(folder, 'docker');
    await writeFile(
      docker,
      `#!/bin/sh\n[ "$*" = "save -- app:v1" ] && exec cat ${file}\n>&2 echo no\nexit 1\n`,
    );
    await chmod(docker, 0o755);
    await expectPushed(await push(['docker:app:v1', `${repository}:v1`]), 'v1');
    await expectPushed(await push(['app:v1', `${repository}:v2`]), 'v2');
    const unknown = await push(['other:v1', `${repository}:v3`]);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('"docker save other:v1" says: no');
  });

  test.each<[string, (tar: Buffer) => Buffer, RegExp]>([
    ['gzipped', gzipSync, /blobs sent/],
    ['gzipped, of another', () => gzipSync('other'), /the source is damaged: the layer sha256:/],
    ['gzipped, and cut', (tar) => gzipSync(tar).subarray(0, 900), /the source is damaged/],
    ['by zstd', zstdCompressSync, /zstd.*push an OCI layout/],
  ])('with layers that are compressed already: %s', async (_how, compress, message) => {
    const archive = join(folder, 'archive');
    await writeArchive(archive, 1000);
    const layer = join(archive, 'layer/layer.tar');
    await writeFile(layer, compress(await readFile(layer)));
    const file = join(folder, 'app.tar');
    await create({ cwd: archive, file }, ['.']);
    const run = await push([file, `${repository}:v1`]);
    expect(run.stderr).toMatch(message);
    expect(run.stderr).not.toContain('    at ');
    if (run.code === 0) {
      const { layers } = await expectPushed(run, 'v1');
      expect(layers).toMatchObject([{ mediaType: expect.stringMatching(/tar\.gzip$/) }]);
    }
    expect(run.code).toBe(compress === gzipSync ? 0 : 1);
  });

  test('with links: one inside is followed, one that leads out is refused', async () => {
    const archive = join(folder, 'archive');
    await writeArchive(archive, 1000);
    await mkdir(join(archive, 'same'));
    await symlink('../layer/layer.tar', join(archive, 'same/layer.tar'));
    const [entry] = JSON.parse(await readFile(join(archive, 'manifest.json'), 'utf8'));
    const file = join(folder, 'app.tar');
    for (const [link, code] of [
      ['same/layer.tar', 0],
      ['out', 1],
    ] as const) {
      await symlink('../../../../../../etc/passwd', join(archive, 'out')).catch(() => null);
      const manifest = [{ ...entry, Layers: [link] }];
      await writeFile(join(archive, 'manifest.json'), JSON.stringify(manifest));
      await create({ cwd: archive, file }, ['.']);
      const run = await push([file, `${repository}:v1`]);
      expect(run.code, run.stderr).toBe(code);
      expect(run.stderr).toContain(code === 0 ? 'blobs sent' : 'outside of it');
    }
  });
});

describe('a push', () => {
  test('goes on through cuts, and renews its token when that is over', async () => {
    await writeLayout(join(folder, 'layout'), [largeImage()]);
    let cuts = 3;
    const refused = new Set<string | undefined>();
    const fault: EdgeOptions['fault'] = ({ method, range, headers: { authorization } }) => {
      if (method === 'PATCH' && range?.startsWith('0-') && cuts-- > 0) {
        return { kind: 'cut', after: 600_000 };
      }
      const isLast = method === 'PUT' && refused.size === 0;
      if (isLast) {
        refused.add(authorization);
      }
      const challenge = `Bearer realm="${registry.url}/token",service="other"`;
      return refused.has(authorization)
        ? { kind: 'answer', status: 401, headers: isLast ? {} : { 'WWW-Authenticate': challenge } }
        : null;
    };
    const run = await push([join(folder, 'layout'), `${repository}:v1`], { fault });
    await expectPushed(run, 'v1');
    expect(run.stderr).toContain('trying again');
    expect(refused.size).toBe(1);
  });

  test.each(['{}', '<html>', '{"token":7}'])(
    'to a registry that gives out %s for a token says so',
    async (body) => {
      await writeLayout(join(folder, 'layout'), [randomImage()]);
      const fault: EdgeOptions['fault'] = ({ path, headers: { host } }) => {
        const challenge = `Bearer realm="http://${host}/token",service="x"`;
        return path.startsWith('/token')
          ? { kind: 'answer', status: 200, body }
          : { kind: 'answer', status: 401, headers: { 'WWW-Authenticate': challenge } };
      };
      const { code, stderr } = await push([join(folder, 'layout'), repository], { fault });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^edgewater: http:\S+\/token should give out tokens.*\n$/);
    },
  );

  test('that is broken off leaves nothing behind, neither here nor there', async () => {
    await writeArchive(join(folder, 'archive'), 2.3 * MEBIBYTE);
    const file = join(folder, 'app.tar');
    await create({ cwd: join(folder, 'archive'), file }, ['.']);
    let session = '';
    const fault: EdgeOptions['fault'] = ({ method, path }) => {
      if (method === 'PATCH' && session === '') {
        session = path;
        pushing.kill('SIGINT');
      }
      return method === 'PATCH' ? { kind: 'delay', milliseconds: 300 } : null;
    };
    const { code, stderr } = await push([file, `${repository}:v1`], { fault });
    expect(code).toBe(1);
    expect(stderr).toContain('edgewater: broken off\n');
    const headers = { Authorization: AUTHORIZATION };
    const status = () => fetch(`${registry.url}${session}`, { headers }).then((it) => it.status);
    await expect.poll(status).toBe(404);
  });

  test.each<[string, string, RegExp]>([
    ['to no repository', 'UPPER/case', /has to be as acme\/app:latest/],
    ['to another registry', 'registry.example.com/a/b:c', /say --registry registry.example.com,/],
    ['to another port', 'localhost:1/a/b:c', /names localhost:1, and this goes to /],
  ])('%s is an error of usage', async (_what, target, message) => {
    const run = await push([folder, target]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(message);
  });

  test('to where nobody listens fails at once', async () => {
    const run = await push([folder, `${repository}:v1`, '--registry', 'http://127.0.0.1:1']);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^edgewater: .*nobody listens there.*\n$/);
  });

  test.each([
    ['manifest.json', '{}'],
    ['manifest.json', '[{"Config":1}]'],
    ['manifest.json', '[null]'],
    ['index.json', 'null'],
    ['index.json', '{"manifests":[null]}'],
    ['index.json', '{"manifests":{}}'],
  ])('of %s with %s says that it is damaged', async (name, content) => {
    await writeFile(join(folder, name), content);
    const run = await push([folder, `${repository}:v1`]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^edgewater: .*damaged.*\n$/);
  });

  test('of a folder that is no image says so', async () => {
    const run = await push([folder, `${repository}:v1`]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('neither an OCI layout nor what docker save writes');
  });
});
