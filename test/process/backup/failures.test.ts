/** What a backup and a restore do when something is missing or broken. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytesOf, call, push } from '../../support/client.ts';
import { randomImage } from '../../support/images.ts';
import { CLI, Place } from './place.ts';

const image = randomImage();
const [layer] = image.blobs;

let place: Place;
let file: string; // with the metadata
const saved = () => place.path('saved');
const blobFile = () => join(saved(), 'blobs', 'sha256', layer?.digest.slice(7) ?? '');

beforeAll(async () => {
  place = await Place.make();
  await place.start('first');
  await push('acme/app', image, 'v1');
  await place.json('backup', saved(), '--blobs', '--quiet');
  const name = (await readdir(saved())).find((entry) => entry.startsWith('metadata-')) ?? '';
  file = join(saved(), name);
});

afterAll(() => place.remove());

test('nothing but its owner reads a backup, and nothing half is in it', async () => {
  const names = await readdir(saved(), { recursive: true });
  expect(names.filter((name) => name.endsWith('.part'))).toEqual([]);
  expect((await stat(file)).mode & 0o077).toBe(0);
});

test('a blob that the folder lost, or has half of, is fetched again', async () => {
  const bytes = await readFile(blobFile());
  await writeFile(`${blobFile()}.part`, bytes.subarray(0, 100));
  await rm(blobFile());
  const again = await place.json('backup', saved(), '--blobs', '--quiet');
  expect(again).toMatchObject({ blobs: { fetched: 1, failed: [] } });
  await writeFile(`${blobFile()}.part`, Buffer.alloc(100, 'wrong'));
  await rm(blobFile());
  await place.json('backup', saved(), '--blobs', '--quiet');
  expect(Buffer.compare(await readFile(blobFile()), bytes)).toBe(0);
});

test('a blob that is damaged in the folder is found when one looks', async () => {
  const bytes = await readFile(blobFile());
  await writeFile(blobFile(), Buffer.alloc(bytes.length));
  const seen = await place.json('backup', saved(), '--blobs', '--verify', '--quiet');
  expect(seen).toMatchObject({ blobs: { fetched: 1, failed: [] } });
  expect(Buffer.compare(await readFile(blobFile()), bytes)).toBe(0);
});

test('a damaged file is refused before anything is asked', async () => {
  const lines = gunzipSync(await readFile(file))
    .toString()
    .trimEnd()
    .split('\n');
  const packed = await readFile(file);
  const broken = {
    cut: packed.subarray(0, packed.length - 100),
    lines: gzipSync(`${lines.slice(0, -1).join('\n')}\n`),
    row: gzipSync(`${[lines[0], ...lines.slice(2)].join('\n')}\n`),
    text: gzipSync(`${lines[0]}\nno JSON\n`),
    other: gzipSync('{"format":"something"}\n'),
    plain: Buffer.from('no gzip'),
  };
  for (const [name, bytes] of Object.entries(broken)) {
    await writeFile(place.path(name), bytes);
    const { code, stderr } = await place.run('restore', place.path(name));
    expect({ name, code }).toEqual({ name, code: 1 });
    expect(stderr, name).toMatch(/is damaged|is not a backup/);
    expect(stderr, name).not.toContain('    at ');
  }
});

/** Begins a restore of another backup, as somebody who was broken off. */
const beginAnother = () =>
  place.api('POST', '/restore', {
    header: {
      format: 'edgewater-metadata',
      version: 1,
      id: '7f4ff8a1-3c0e-4c0a-9b5f-6a8a52d7a001',
      schema: '0001_initial.sql',
      takenAt: '2026-10-01T00:00:00.000Z',
      tables: ['tags'],
    },
    lastAudit: 0,
  });

test('a restore that lacks content begins nothing, and restores when it is there', async () => {
  await place.start('second');
  await rename(blobFile(), place.path('elsewhere'));
  const { code, stderr } = await place.run('restore', saved(), '--quiet');
  expect(code).toBe(1);
  expect(stderr).toContain(layer?.digest ?? '');
  await writeFile(blobFile(), Buffer.alloc(layer?.bytes.length ?? 0));
  const damaged = await place.run('restore', saved(), '--quiet');
  expect(damaged.code).toBe(1);
  expect(damaged.stderr).toMatch(new RegExp(`damaged: ${layer?.digest}; `));
  expect(damaged.stderr).not.toContain('    at ');
  await place.api('POST', '/namespaces', { name: 'other' }); // nothing is under way
  await place.api('DELETE', '/namespaces/other');

  await rename(place.path('elsewhere'), blobFile());
  await beginAnother();
  const refused = await place.run('restore', saved(), '--quiet');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/backup of 2026-10-01.*is under way.*--give-up/);
  expect((await place.run('restore', '--give-up')).code).toBe(0);
  expect((await place.run('restore', '--give-up')).code).toBe(0); // the answer was lost

  const restored = await place.json('restore', saved(), '--quiet');
  expect(restored).toMatchObject({ missingBlobs: [], verification: { tags: 1, wrong: [] } });
  const read = await call('GET', `/v2/acme/app/blobs/${layer?.digest}`);
  expect(Buffer.compare(await bytesOf(read), layer?.bytes ?? new Uint8Array())).toBe(0);
});

test('the check of a restore counts as no pull', async () => {
  await call('GET', `/v2/acme/app/manifests/${image.digest}`);
  // Whatever was counted before is written with it, or was.
  const list = (what: string) => place.api('GET', `/repositories/acme%2Fapp/${what}`);
  await expect
    .poll(() => list('manifests'), { timeout: 20_000 })
    .toMatchObject({ manifests: [{ pulls: 1 }] });
  expect(await list('tags')).toMatchObject({ tags: [{ pulls: 0, lastPulledAt: null }] });
});

test('a restore that is finished may be repeated, and another backup is refused', async () => {
  expect(await place.json('restore', saved(), '--quiet')).toMatchObject({ isDone: true });
  await place.json('backup', place.path('later'), '--quiet');
  const { code, stderr } = await place.run('restore', place.path('later'));
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('into an empty one only'),
  });
});

test('a backup without bytes says how many the folder lacks', async () => {
  expect((await place.run('backup', saved())).stdout).toContain('has the bytes of all its blobs');
  expect((await place.run('backup', place.path('bare'))).stdout).toContain('of 2 blobs: --blobs');
});

test('an empty backup hides none that has something', async () => {
  const before = await backups();
  await place.start('third');
  const refused = await place.run('backup', saved());
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/no repositories.*metadata-.*--empty/s);
  expect(await backups()).toEqual(before);

  await place.json('backup', saved(), '--empty');
  const newest = (await backups()).at(-1) ?? '';
  const hidden = await place.run('restore', saved());
  expect(hidden.code).toBe(1);
  expect(hidden.stderr).toContain(newest);
  expect(hidden.stderr).toContain(`${before.at(-1)} has 1`);
});

test('a folder goes on with the backup whose restore is under way', async () => {
  const [header = ''] = gunzipSync(await readFile(file))
    .toString()
    .split('\n', 1);
  await place.api('POST', '/restore', { header: JSON.parse(header), lastAudit: 1000 });
  const refused = await place.run('namespace', 'create', 'other');
  expect(refused.stderr).toMatch(/a restore is under way.*"edgewater restore --give-up"/);
  expect(refused.stderr).not.toContain('whoami');
  const restored = await place.json('restore', saved(), '--quiet');
  expect(restored).toMatchObject({ verification: { tags: 1, wrong: [] } });
});

test('an incomplete restore names what is lost, and is not repeated', async () => {
  await place.start('fourth');
  await rm(blobFile());
  const { code, stdout, stderr } = await place.run('restore', file, '--incomplete', '--quiet');
  expect(code).toBe(1);
  expect(stdout).toContain('0 manifests and 0 tags are back');
  expect(stderr).toContain('without 1 blob and what needs them, 1 tag: acme/app:v1; push');
  expect(await place.json('restore', file, '--quiet')).toMatchObject({ isDone: true });
});

test.each([
  ['backup', /same command goes on/],
  ['restore', /same command goes on.*--give-up/],
])(
  '%s that somebody ends says how to go on, and leaves nothing secret behind',
  async (name, says) => {
    const temporary = place.path(`tmp-${name}`);
    await mkdir(temporary);
    // A registry that is asked and does not answer.
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const child = spawn(process.execPath, [CLI, name, saved()], {
      env: { ...process.env, EDGEWATER_URL: `http://127.0.0.1:${port}`, TMPDIR: temporary },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    silent.once('request', () => child.kill('SIGINT'));
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    silent.closeAllConnections();
    silent.close();
    expect({ code, said }).toEqual({ code: 1, said: expect.stringMatching(says) });
    expect(await readdir(temporary)).toEqual([]);
  },
);

/** The files of the folder with metadata. */
async function backups(): Promise<string[]> {
  const names = await readdir(saved());
  return names
    .filter((name) => name.startsWith('metadata-'))
    .sort()
    .map((name) => join(saved(), name));
}
