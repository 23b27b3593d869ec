/** `kill -9` of the local registry while an upload is in each of its states. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PART_SIZE } from '../../src/uploads/part-buffer.ts';
import {
  bytesOf,
  call,
  chunkHeaders,
  newRepository,
  push,
  startUpload,
  useRegistry,
  withQuery,
} from '../support/client.ts';
import { randomBlob, randomImage } from '../support/images.ts';
import { Server } from './server.ts';

let state: string;
let server: Server;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'edgewater-crash-'));
  server = new Server(state);
  await server.start();
  useRegistry(server.url, (request) => fetch(request));
});

afterAll(async () => {
  await server.stop();
  await rm(state, { recursive: true, force: true });
});

async function crash(): Promise<void> {
  await server.crash();
  useRegistry(server.url, (request) => fetch(request));
}

async function offsetOf(location: string): Promise<number> {
  const response = await call('GET', location);
  expect(response.status).toBe(204);
  const last = Number(response.headers.get('Range')?.split('-')[1]);
  return last === 0 ? 0 : last + 1;
}

async function sendFrom(location: string, bytes: Uint8Array, first: number): Promise<void> {
  const rest = bytes.slice(first);
  const response = await call('PATCH', location, {
    headers: chunkHeaders(first, rest),
    body: rest,
  });
  expect(response.status).toBe(202);
}

/** Finishes the upload, however often it takes, and reads the blob. */
async function expectFinished(
  repository: string,
  location: string,
  blob: { bytes: Uint8Array; digest: string },
): Promise<void> {
  const response = await call('PUT', withQuery(location, 'digest', blob.digest));
  expect(response.status, await response.text()).toBe(201);
  const read = await call('GET', `/v2/${repository}/blobs/${blob.digest}`);
  expect(Buffer.compare(await bytesOf(read), blob.bytes)).toBe(0);
}

describe('an upload goes on after a crash', () => {
  test.each([
    ['that was just started', 0],
    ['with a tail', 1_000_000],
    ['with a part', PART_SIZE],
    ['with parts and a tail', 2 * PART_SIZE + 1_000_000],
  ])('%s', async (_state, sent) => {
    const repository = newRepository();
    const blob = randomBlob(2 * PART_SIZE + 2_000_000);
    const location = await startUpload(repository);
    if (sent > 0) {
      await sendFrom(location, blob.bytes.slice(0, sent), 0);
    }
    await crash();
    expect(await offsetOf(location)).toBe(sent);
    await sendFrom(location, blob.bytes, sent);
    await expectFinished(repository, location, blob);
  });

  test('in the middle of a chunk: what is stored counts, the rest is sent again', async () => {
    const repository = newRepository();
    const blob = randomBlob(3 * PART_SIZE);
    const location = await startUpload(repository);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const sending = call('PATCH', location, { body: readable }).catch(() => null);
    const writer = writable.getWriter();
    await writer.write(blob.bytes.slice(0, 2 * PART_SIZE + 1));
    await expect.poll(() => offsetOf(location), { timeout: 30_000 }).toBeGreaterThan(0);
    await crash();
    await sending;
    const offset = await offsetOf(location);
    expect(offset % PART_SIZE).toBe(0);
    expect(offset).toBeGreaterThan(0);
    await sendFrom(location, blob.bytes, offset);
    await expectFinished(repository, location, blob);
  });

  test.each([1000, PART_SIZE + 1000])(
    'while it is completed with %i bytes: the PUT is repeated',
    async (size) => {
      const repository = newRepository();
      const blob = randomBlob(size);
      const location = await startUpload(repository);
      await sendFrom(location, blob.bytes, 0);
      const finishing = call('PUT', withQuery(location, 'digest', blob.digest)).catch(() => null);
      await crash();
      await finishing;
      await expectFinished(repository, location, blob);
    },
  );

  test('that is committed: the PUT is answered as before', async () => {
    const repository = newRepository();
    const blob = randomBlob(1000);
    const location = await startUpload(repository);
    await sendFrom(location, blob.bytes, 0);
    await expectFinished(repository, location, blob);
    await crash();
    await expectFinished(repository, location, blob);
  });
});

test('an image that was pushed is there after a crash', async () => {
  const repository = newRepository();
  const image = randomImage();
  await push(repository, image, 'latest');
  await crash();
  const read = await call('GET', `/v2/${repository}/manifests/latest`);
  expect(Buffer.compare(await bytesOf(read), image.bytes)).toBe(0);
});
