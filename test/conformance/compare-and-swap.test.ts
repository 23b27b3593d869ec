/** If-Match and If-None-Match on a manifest PUT: RFC 9110 section 13.1. */
import { describe, expect, test } from 'vitest';
import {
  bytesOf,
  call,
  expectError,
  header,
  newRepository,
  push,
  pushManifest,
} from '../support/client.ts';
import { randomImage, type TestManifest } from '../support/images.ts';

const pull = (repository: string, reference: string) =>
  call('GET', `/v2/${repository}/manifests/${reference}`);

async function expectStored(repository: string, manifest: TestManifest, reference: string) {
  const response = await pull(repository, reference);
  expect(header(response, 'Docker-Content-Digest')).toBe(manifest.digest);
  expect(await bytesOf(response)).toEqual(manifest.bytes);
}

describe('compare and swap', () => {
  test('end-7a: If-Match lets a tag move only from what the client knows', async () => {
    const repository = newRepository();
    const [first, second, third] = [randomImage(), randomImage(), randomImage()];
    await push(repository, first, 'latest');
    await push(repository, second);
    await push(repository, third);
    const condition = { 'If-Match': `"${first.digest}"` };
    expect((await pushManifest(repository, second, 'latest', condition)).status).toBe(201);
    await expectError(await pushManifest(repository, third, 'latest', condition), 412, 'DENIED');
    await expectStored(repository, second, 'latest');
  });

  test('end-7a: If-None-Match: * creates a tag once', async () => {
    const repository = newRepository();
    const [first, second] = [randomImage(), randomImage()];
    await push(repository, first);
    await push(repository, second);
    const condition = { 'If-None-Match': '*' };
    expect((await pushManifest(repository, first, 'once', condition)).status).toBe(201);
    await expectError(await pushManifest(repository, second, 'once', condition), 412, 'DENIED');
    await expectStored(repository, first, 'once');
  });

  test('end-7a: If-Match on a tag that is not there is a 412, and so is If-Match: *', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image);
    for (const tag of ['*', `"${image.digest}"`]) {
      const response = await pushManifest(repository, image, 'absent', { 'If-Match': tag });
      await expectError(response, 412, 'DENIED');
    }
    expect((await pull(repository, 'absent')).status).toBe(404);
  });

  test('end-7a: an entity tag of nothing matches nothing', async () => {
    const repository = newRepository();
    const [first, second] = [randomImage(), randomImage()];
    await push(repository, first, 'latest');
    await push(repository, second);
    for (const tag of ['""', 'W/""', '"*"', '"unheard-of"']) {
      const response = await pushManifest(repository, second, 'latest', { 'If-Match': tag });
      expect(response.status, tag).toBe(412);
    }
    await expectStored(repository, first, 'latest');
  });

  test('end-7a: of two that swap at once exactly one wins', async () => {
    const repository = newRepository();
    const [base, ...rivals] = [randomImage(), randomImage(), randomImage()];
    await push(repository, base, 'latest');
    for (const rival of rivals) {
      await push(repository, rival);
    }
    const condition = { 'If-Match': `"${base.digest}"` };
    const responses = await Promise.all(
      rivals.map((rival) => pushManifest(repository, rival, 'latest', condition)),
    );
    expect(responses.map((response) => response.status).sort()).toEqual([201, 412]);
  });
});
