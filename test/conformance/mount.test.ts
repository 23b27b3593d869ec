/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#mounting-a-blob-from-another-repository */
import { describe, expect, test } from 'vitest';
import { bytesOf, call, header, newRepository, pushBlob } from '../support/client.ts';
import { type Algorithm, randomBlob, randomDigest } from '../support/images.ts';

const mount = (repository: string, query: string) =>
  call('POST', `/v2/${repository}/blobs/uploads/?${query}`);

describe('mounting a blob', () => {
  test.each<Algorithm>(['sha256', 'sha512'])(
    'end-11: from the repository that has the %s blob',
    async (algorithm) => {
      const [source, target] = [newRepository(), newRepository()];
      const blob = randomBlob(100, algorithm);
      await pushBlob(source, blob);
      const response = await mount(target, `mount=${blob.digest}&from=${source}`);
      expect(response.status).toBe(201);
      expect(header(response, 'Docker-Content-Digest')).toBe(blob.digest);
      const location = header(response, 'Location');
      expect(location).toContain(target);
      expect(await bytesOf(await call('GET', location))).toEqual(blob.bytes);
    },
  );

  test('end-11: without from, out of any repository', async () => {
    const [source, target] = [newRepository(), newRepository()];
    const blob = randomBlob(100);
    await pushBlob(source, blob);
    expect((await mount(target, `mount=${blob.digest}`)).status).toBe(201);
    const path = `/v2/${target}/blobs/${blob.digest}`;
    expect(await bytesOf(await call('GET', path))).toEqual(blob.bytes);
  });

  test('end-11: of its own repository', async () => {
    const repository = newRepository();
    const blob = randomBlob(100);
    await pushBlob(repository, blob);
    const response = await mount(repository, `mount=${blob.digest}&from=${repository}`);
    expect(response.status).toBe(201);
  });

  test('end-11: what cannot be mounted opens an upload session', async () => {
    const [source, target] = [newRepository(), newRepository()];
    const blob = randomBlob(100);
    await pushBlob(source, blob);
    const queries = [
      `mount=${randomDigest()}`,
      `mount=${randomDigest()}&from=${source}`,
      `mount=${blob.digest}&from=${newRepository()}`,
      `mount=${blob.digest}&from=NOT-A-NAME`,
      `mount=not-a-digest&from=${source}`,
      `mount=&from=${source}`,
    ];
    for (const query of queries) {
      const response = await mount(target, query);
      expect(response.status, query).toBe(202);
      expect((await call('GET', header(response, 'Location'))).status, query).toBe(204);
    }
    expect((await call('HEAD', `/v2/${target}/blobs/${blob.digest}`)).status).toBe(404);
  });

  test('end-11: the mounted blob outlives its source', async () => {
    const [source, target] = [newRepository(), newRepository()];
    const blob = randomBlob(100);
    await pushBlob(source, blob);
    await mount(target, `mount=${blob.digest}&from=${source}`);
    expect((await call('DELETE', `/v2/${source}/blobs/${blob.digest}`)).status).toBe(202);
    expect((await call('HEAD', `/v2/${source}/blobs/${blob.digest}`)).status).toBe(404);
    const path = `/v2/${target}/blobs/${blob.digest}`;
    expect(await bytesOf(await call('GET', path))).toEqual(blob.bytes);
  });
});
