/** What becomes of an upload that does not fit: before its bytes, among them, and at the commit. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import { PART_SIZE } from '../../src/uploads/part-buffer.ts';
import type { Chunk } from '../../src/uploads/upload-content.ts';
import { UploadSession } from '../../src/uploads/upload-session.ts';
import { streamOf } from '../support/bodies.ts';
import {
  call,
  chunkHeaders,
  expectError,
  pushBlob,
  startUpload,
  withQuery,
} from '../support/client.ts';
import { randomBlob } from '../support/images.ts';
import {
  expectFull,
  expectRightUsage,
  newNamespace,
  setQuota,
  usedBytes,
} from '../support/quotas.ts';
import {
  expectBlob,
  expectNoOrphans,
  keysInBucket,
  query,
  rowOf,
  sessionOf,
  storedValues,
} from '../support/storage.ts';

afterEach(async () => {
  await expectNoOrphans();
  await expectRightUsage();
});

const put = (location: string, { digest, bytes }: ReturnType<typeof randomBlob>) =>
  call('PUT', withQuery(location, 'digest', digest), {
    headers: { 'Content-Length': String(bytes.byteLength) },
    body: bytes,
  });

describe('a length that is announced', () => {
  test.each(['append', 'finish'] as const)(
    'is refused before the body is read: %s',
    async (step) => {
      const namespace = await newNamespace({ bytes: 1000 });
      const { stub } = sessionOf(await startUpload(`${namespace}/app`));
      const blob = randomBlob(2000);
      const answer = await runInDurableObject(stub, async (_object, state) => {
        const session = new UploadSession(state, env);
        const body = new Blob([blob.bytes]).stream();
        const reader = body.getReader(); // whoever else wants to read fails
        const chunk: Chunk = { body, length: 2000, range: null };
        const answer = await (step === 'append'
          ? session.append(chunk)
          : session.finish(parseDigest(blob.digest), chunk));
        expect((await reader.read()).value).toHaveLength(2000);
        return answer;
      });
      expect(answer).toMatchObject({ error: 'QUOTA_OF_BYTES_EXCEEDED' });
      expect(await keysInBucket()).not.toContain((await rowOf(stub))?.key);
    },
  );

  test('is refused with a range, with what came before it, and in one POST', async () => {
    const namespace = await newNamespace({ bytes: 1000 });
    const repository = `${namespace}/app`;
    const blob = randomBlob(1500);
    const location = await startUpload(repository);
    const [first, rest] = [blob.bytes.slice(0, 900), blob.bytes.slice(900)];
    const send = (from: number, body: Uint8Array) =>
      call('PATCH', location, { headers: chunkHeaders(from, body), body });
    expect((await send(0, first)).status).toBe(202);
    await expectFull(await send(900, rest), /uses 0 of 1,000 bytes/);
    expect((await call('GET', location)).headers.get('Range')).toBe('0-899');
    await call('DELETE', location);
    const path = `/v2/${repository}/blobs/uploads/?digest=${blob.digest}`;
    const headers = { 'Content-Length': '1500' };
    await expectFull(await call('POST', path, { headers, body: blob.bytes }), /has no room/);
  });

  test('is let in when there is room since, or the namespace has that content', async () => {
    const namespace = await newNamespace({ bytes: 1000 });
    const [own, other] = [randomBlob(1000), randomBlob(1000)];
    await pushBlob(`${namespace}/a`, own);
    const repository = `${namespace}/b`;
    expect((await put(await startUpload(repository), own)).status).toBe(201);
    const location = await startUpload(repository);
    await expectFull(await put(location, other), /uses 1,000 of 1,000 bytes/);
    await setQuota(namespace, { bytes: 2000 });
    expect((await put(location, other)).status).toBe(201);
    await expectBlob(repository, other);
  });
});

describe('a length that nobody tells', () => {
  const stream = (location: string, bytes: Uint8Array) =>
    call('PATCH', location, { body: streamOf(bytes) });

  test.each([
    ['in the tail', 1000, 5000],
    ['behind parts', PART_SIZE + 1000, 3 * PART_SIZE],
  ])('is cut where it does not fit, %s, and what came is given up', async (_where, bytes, size) => {
    const namespace = await newNamespace({ bytes });
    const location = await startUpload(`${namespace}/app`);
    const { id, stub } = sessionOf(location);
    await expectFull(await stream(location, randomBlob(size).bytes), /has no room for this/);
    await expectError(await call('GET', location), 404, 'BLOB_UPLOAD_UNKNOWN');
    expect(await storedValues(stub)).toBe(0);
    expect(await keysInBucket()).not.toContain(`blobs/${id}`);
    expect(await query('SELECT id FROM uploads WHERE id = ?1', id)).toEqual([]);
  });

  test('may be as large as what the namespace has, for it may be that', async () => {
    const namespace = await newNamespace({ bytes: 1000 });
    const [own, other, larger] = [randomBlob(900), randomBlob(900), randomBlob(901)];
    await pushBlob(`${namespace}/a`, own);
    const finish = async (blob: typeof own) => {
      const location = await startUpload(`${namespace}/b`);
      const patch = await stream(location, blob.bytes);
      return patch.ok ? call('PUT', withQuery(location, 'digest', blob.digest)) : patch;
    };
    expect((await finish(own)).status).toBe(201);
    await expectFull(await finish(other), /has no room for this/);
    await expectFull(await finish(larger), /has no room for this/);
    expect(await usedBytes(namespace)).toBe(900);
  });
});

describe('an upload whose commit was refused', () => {
  async function refused(): Promise<{ namespace: string; location: string; digest: string }> {
    const namespace = await newNamespace({ bytes: 1000 });
    const [first, second] = [randomBlob(600), randomBlob(600)];
    const location = await startUpload(`${namespace}/app`);
    await call('PATCH', location, { body: streamOf(second.bytes) });
    await pushBlob(`${namespace}/app`, first);
    const answer = await call('PUT', withQuery(location, 'digest', second.digest));
    await expectFull(answer, /uses 600 of 1,000 bytes/);
    expect(await query('SELECT digest FROM blobs WHERE digest = ?1', second.digest)).toEqual([]);
    return { namespace, location, digest: second.digest };
  }

  test('is committed by the same request when there is room', async () => {
    const { namespace, location, digest } = await refused();
    await setQuota(namespace, { bytes: 1200 });
    expect((await call('PUT', withQuery(location, 'digest', digest))).status).toBe(201);
    expect(await usedBytes(namespace)).toBe(1200);
  });

  test.each(['cancel', 'alarm'])('is freed by %s', async (how) => {
    const { location } = await refused();
    const { id, stub } = sessionOf(location);
    if (how === 'cancel') {
      expect((await call('DELETE', location)).status).toBe(204);
    } else {
      expect(await runDurableObjectAlarm(stub)).toBe(true);
    }
    expect(await storedValues(stub)).toBe(0);
    expect(await query('SELECT id FROM uploads WHERE id = ?1', id)).toEqual([]);
    const key = `blobs/${id}`;
    expect(await query('SELECT r2_key FROM trash WHERE r2_key = ?1', key)).toEqual([key]);
  });
});
