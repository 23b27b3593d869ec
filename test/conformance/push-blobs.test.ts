/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs */
import { describe, expect, test } from 'vitest';
import {
  bytesOf,
  call,
  chunkHeaders,
  expectError,
  header,
  newRepository,
  pushBlob,
  startUpload,
  withQuery,
} from '../support/client.ts';
import { type Algorithm, randomBlob, randomDigest, type TestBlob } from '../support/images.ts';

const ALGORITHMS: Algorithm[] = ['sha256', 'sha512'];
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

async function expectPushed(response: Response, repository: string, blob: TestBlob) {
  expect(response.status, await response.clone().text()).toBe(201);
  expect(header(response, 'Docker-Content-Digest')).toBe(blob.digest);
  const location = header(response, 'Location');
  expect(await bytesOf(await call('GET', location))).toEqual(blob.bytes);
  const path = `/v2/${repository}/blobs/${blob.digest}`;
  expect(await bytesOf(await call('GET', path))).toEqual(blob.bytes);
}

function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) {
        controller.enqueue(chunk);
      }
      controller.close();
    },
  });
}

describe('at once', () => {
  test('end-4a: POST opens a session with a unique id', async () => {
    const repository = newRepository();
    const response = await call('POST', `/v2/${repository}/blobs/uploads/`);
    expect(response.status).toBe(202);
    expect(header(response, 'Location')).toMatch(UUID);
    expect(header(response, 'Range')).toBe('0-0');
    expect(header(response, 'Docker-Upload-UUID')).toMatch(UUID);
    expect(header(response, 'Location')).not.toBe(await startUpload(repository));
  });

  test('end-4a: the path may lack its last slash', async () => {
    const response = await call('POST', `/v2/${newRepository()}/blobs/uploads`);
    expect(response.status).toBe(202);
  });

  test.each(ALGORITHMS)('end-6: POST, then PUT with the whole %s blob', async (algorithm) => {
    const repository = newRepository();
    const blob = randomBlob(3000, algorithm);
    const location = withQuery(await startUpload(repository), 'digest', blob.digest);
    const headers = { 'Content-Type': 'application/octet-stream' };
    const response = await call('PUT', location, { headers, body: blob.bytes });
    await expectPushed(response, repository, blob);
  });

  test.each(ALGORITHMS)('end-4b: POST with the whole %s blob', async (algorithm) => {
    const repository = newRepository();
    const blob = randomBlob(3000, algorithm);
    const path = `/v2/${repository}/blobs/uploads/?digest=${blob.digest}`;
    const response = await call('POST', path, { body: blob.bytes });
    await expectPushed(response, repository, blob);
  });

  test('end-4b: POST with a wrong digest is refused with DIGEST_INVALID', async () => {
    const repository = newRepository();
    const wrong = randomDigest();
    const path = `/v2/${repository}/blobs/uploads/?digest=${wrong}`;
    const response = await call('POST', path, { body: randomBlob(10).bytes });
    await expectError(response, 400, 'DIGEST_INVALID');
    expect((await call('HEAD', `/v2/${repository}/blobs/${wrong}`)).status).toBe(404);
  });

  test('end-6: a blob that is there already may be pushed again', async () => {
    const repository = newRepository();
    const blob = randomBlob(100);
    await pushBlob(repository, blob);
    await pushBlob(repository, blob);
    const path = `/v2/${repository}/blobs/${blob.digest}`;
    expect(await bytesOf(await call('GET', path))).toEqual(blob.bytes);
  });
});

describe('in chunks', () => {
  test.each(ALGORITHMS)('end-5: chunks in order become the %s blob', async (algorithm) => {
    const repository = newRepository();
    const blob = randomBlob(1000, algorithm);
    let location = await startUpload(repository, `?digest-algorithm=${algorithm}`);
    for (const [first, end] of [
      [0, 1],
      [1, 400],
      [400, 1000],
    ] as const) {
      const body = blob.bytes.slice(first, end);
      const response = await call('PATCH', location, { headers: chunkHeaders(first, body), body });
      expect(response.status).toBe(202);
      expect(header(response, 'Range')).toBe(`0-${end - 1}`);
      location = header(response, 'Location');
    }
    const response = await call('PUT', withQuery(location, 'digest', blob.digest));
    await expectPushed(response, repository, blob);
  });

  test('end-6: the last chunk may come with the PUT', async () => {
    const repository = newRepository();
    const blob = randomBlob(500);
    const head = blob.bytes.slice(0, 300);
    const tail = blob.bytes.slice(300);
    const location = await startUpload(repository);
    await call('PATCH', location, { headers: chunkHeaders(0, head), body: head });
    const response = await call('PUT', withQuery(location, 'digest', blob.digest), {
      headers: chunkHeaders(300, tail),
      body: tail,
    });
    await expectPushed(response, repository, blob);
  });

  test('end-5: a PATCH without Content-Range streams the blob, with or without its length', async () => {
    const repository = newRepository();
    const blob = randomBlob(900);
    const location = await startUpload(repository);
    const first = await call('PATCH', location, { body: blob.bytes.slice(0, 400) });
    expect(header(first, 'Range')).toBe('0-399');
    const body = streamOf(blob.bytes.slice(400, 401), blob.bytes.slice(401));
    const second = await call('PATCH', location, { body });
    expect(second.status).toBe(202);
    expect(header(second, 'Range')).toBe('0-899');
    const response = await call('PUT', withQuery(location, 'digest', blob.digest));
    await expectPushed(response, repository, blob);
  });

  test.each([1, 5, 999])(
    'end-5: a chunk that starts at %i and not at the end is a 416',
    async (first) => {
      const location = await startUpload(newRepository());
      const body = randomBlob(10).bytes;
      const response = await call('PATCH', location, { headers: chunkHeaders(first, body), body });
      expect(header(response, 'Location')).toMatch(UUID);
      expect(header(response, 'Range')).toBe('0-0');
      await expectError(response, 416, 'RANGE_INVALID');
    },
  );

  test('end-5: a chunk sent twice is a 416 that says where to go on', async () => {
    const repository = newRepository();
    const blob = randomBlob(20);
    const location = await startUpload(repository);
    const chunk = { headers: chunkHeaders(0, blob.bytes), body: blob.bytes };
    expect((await call('PATCH', location, chunk)).status).toBe(202);
    const replay = await call('PATCH', location, chunk);
    expect(replay.status).toBe(416);
    expect(header(replay, 'Range')).toBe('0-19');
    const response = await call('PUT', withQuery(location, 'digest', blob.digest));
    await expectPushed(response, repository, blob);
  });

  test('end-6: a last chunk out of order is a 416 and loses nothing', async () => {
    const repository = newRepository();
    const blob = randomBlob(20);
    const location = await startUpload(repository);
    await call('PATCH', location, { body: blob.bytes.slice(0, 10) });
    const body = blob.bytes.slice(10);
    const url = withQuery(location, 'digest', blob.digest);
    const refused = await call('PUT', url, { headers: chunkHeaders(11, body), body });
    expect(header(refused, 'Range')).toBe('0-9');
    await expectError(refused, 416, 'RANGE_INVALID');
    const response = await call('PUT', url, { headers: chunkHeaders(10, body), body });
    await expectPushed(response, repository, blob);
  });

  test('end-13: GET and HEAD tell where to go on', async () => {
    const location = await startUpload(newRepository());
    for (const method of ['GET', 'HEAD']) {
      const empty = await call(method, location);
      expect(empty.status).toBe(204);
      expect(header(empty, 'Range')).toBe('0-0');
    }
    await call('PATCH', location, { body: randomBlob(33).bytes });
    for (const method of ['GET', 'HEAD']) {
      const response = await call(method, location);
      expect(response.status).toBe(204);
      expect(header(response, 'Range')).toBe('0-32');
      expect(header(response, 'Location')).toMatch(UUID);
    }
  });

  test('end-4c: an algorithm that cannot be verified is refused with DIGEST_INVALID', async () => {
    const path = `/v2/${newRepository()}/blobs/uploads/?digest-algorithm=md5`;
    await expectError(await call('POST', path), 400, 'DIGEST_INVALID');
  });

  test.each(ALGORITHMS)(
    'end-6: %s that was not announced is verified all the same',
    async (algorithm) => {
      const repository = newRepository();
      const blob = randomBlob(300, algorithm);
      const other = algorithm === 'sha256' ? 'sha512' : 'sha256';
      const location = await startUpload(repository, `?digest-algorithm=${other}`);
      await call('PATCH', location, { body: blob.bytes });
      const response = await call('PUT', withQuery(location, 'digest', blob.digest));
      await expectPushed(response, repository, blob);
    },
  );

  test('end-6: PUT with a wrong digest is refused with DIGEST_INVALID and no blob appears', async () => {
    const repository = newRepository();
    const wrong = randomDigest();
    const location = await startUpload(repository);
    await call('PATCH', location, { body: randomBlob(10).bytes });
    const response = await call('PUT', withQuery(location, 'digest', wrong));
    await expectError(response, 400, 'DIGEST_INVALID');
    expect((await call('HEAD', `/v2/${repository}/blobs/${wrong}`)).status).toBe(404);
  });

  test('end-6: PUT without a digest is refused with DIGEST_INVALID', async () => {
    const location = await startUpload(newRepository());
    await expectError(await call('PUT', location), 400, 'DIGEST_INVALID');
  });

  test('end-14: DELETE gives an upload up', async () => {
    const location = await startUpload(newRepository());
    await call('PATCH', location, { body: randomBlob(10).bytes });
    expect((await call('DELETE', location)).status).toBe(204);
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      await expectError(await call(method, location), 404, 'BLOB_UPLOAD_UNKNOWN');
    }
    const url = withQuery(location, 'digest', randomDigest());
    await expectError(await call('PUT', url), 404, 'BLOB_UPLOAD_UNKNOWN');
  });
});
