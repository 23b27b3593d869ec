/** `edgewater scrub`, of a registry with a damaged object on its disk. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Edge } from '../../scripts/clients/edge.ts';
import { type LocalRegistry, startRegistry } from '../../scripts/registry/local-registry.ts';
import { newRepository, push, useRegistry } from '../support/client.ts';
import { randomImage, type TestManifest } from '../support/images.ts';

const CLI = resolve(import.meta.dirname, '../../scripts/edgewater.ts');
const PASSWORD = 'correct horse battery staple';
const AUTHORIZATION = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`;
const IMAGES = 101; // more objects than a step looks at

let folder: string;
let registry: LocalRegistry;
let images: TestManifest[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewater-scrub-'));
  const state = join(folder, 'state');
  const options = { port: 0, host: '127.0.0.1', state, log: 'off' } as const;
  registry = await startRegistry({ ...options, adminPassword: PASSWORD });
  useRegistry(registry.url, (request) => {
    request.headers.set('Authorization', AUTHORIZATION);
    return fetch(request);
  });
  images = Array.from({ length: IMAGES }, () => randomImage());
  const repository = newRepository();
  for (const image of images) {
    await push(repository, image);
  }
}, 120_000);

afterAll(async () => {
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs it; `onStarted` gets the process. */
async function scrub(
  args: readonly string[] = [],
  url = registry.url,
  onStarted: (end: () => void) => void = () => {},
) {
  const env = {
    ...process.env,
    XDG_CONFIG_HOME: join(folder, 'home'),
    EDGEWATER_URL: url,
    EDGEWATER_USER: 'admin',
    EDGEWATER_PASSWORD: PASSWORD,
  };
  const child = spawn(process.execPath, [CLI, 'scrub', ...args], { env });
  onStarted(() => child.kill('SIGINT'));
  const exited = new Promise<number | null>((done) => child.once('close', done));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, stdout, stderr };
}

/** Changes a byte of a layer where the local registry has it. */
async function damage(image: TestManifest | undefined): Promise<string> {
  const [, layer] = image?.blobs ?? [];
  const entries = await readdir(folder, { recursive: true });
  for (const entry of entries.filter((name) => /r2.*blobs/.test(name))) {
    const path = join(folder, entry);
    if ((await stat(path)).size === layer?.bytes.byteLength) {
      const bytes = await readFile(path);
      if (bytes.equals(layer.bytes)) {
        bytes[0] = (bytes[0] ?? 0) ^ 1;
        await writeFile(path, bytes);
        return layer.digest;
      }
    }
  }
  throw new Error('the layer is not there');
}

test('all is well: exit code 0', async () => {
  const { code, stdout, stderr } = await scrub();
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  const all = `${3 * IMAGES} of ${3 * IMAGES} objects`;
  expect(stderr).toMatch(
    new RegExp(`^${all} \\(.+\\) read: no problems; nothing that no row names$`, 'm'),
  );
  expect(stderr).not.toContain('none');
});

test('a damaged object: a table and exit code 1; broken off, --resume goes on to the same result', async () => {
  const digest = await damage(images[0]);
  const table = await scrub();
  expect(table.code, table.stderr).toBe(1);
  expect(table.stdout).toMatch(new RegExp(`^digest +blobs +- +${digest} +the object has`, 'm'));

  const whole = await scrub(['--json']);
  expect(whole.code).toBe(1);
  let steps = 0;
  let end = () => {};
  const edge = await Edge.start({
    to: registry.url,
    limit: 1e6,
    fault: ({ path }) => {
      steps += path === '/api/v1/scrub' ? 1 : 0;
      if (steps === 3) {
        end();
        return { kind: 'delay', milliseconds: 1000 };
      }
      return null;
    },
  });
  onTestFinished(() => edge.stop());
  const broken = await scrub(['--json'], edge.url, (kill) => {
    end = kill;
  });
  expect(broken.code).toBe(1);
  expect(broken.stderr).toContain('broken off; "edgewater scrub --resume" goes on');
  expect(broken.stdout).toBe('');
  const resumed = await scrub(['--resume', '--json'], edge.url);
  expect(resumed.code, resumed.stderr).toBe(1);
  expect(JSON.parse(resumed.stdout)).toEqual(JSON.parse(whole.stdout));
  expect((await scrub(['--resume'], edge.url)).code).toBe(2);

  const [image] = images;
  await push(newRepository(), image as TestManifest);
  expect((await scrub()).code).toBe(0);
});

test('a sample reads less', async () => {
  const { code, stderr } = await scrub(['--sample', '10%']);
  expect(code, stderr).toBe(0);
  const objects = Number(/(\d+) of \d+ objects \(/.exec(stderr)?.[1]);
  expect(objects).toBeLessThan(3 * IMAGES);
  expect((await scrub(['--sample', 'half'])).code).toBe(2);
});

test('a sample of nothing says that nothing was looked at', async () => {
  const empty = await startRegistry({
    port: 0,
    host: '127.0.0.1',
    state: join(folder, 'empty'),
    log: 'off',
    adminPassword: PASSWORD,
  });
  onTestFinished(() => empty.stop());
  const { code, stderr } = await scrub([], empty.url);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('There is nothing to read');
  expect(stderr).not.toContain('problems');
});
