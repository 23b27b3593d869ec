/** What scrub finds, and what it does not. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { PART_SIZE } from '../../src/uploads/part-buffer.ts';
import { ADMIN, audited, call as callApi } from '../admin/api.ts';
import { cachePutsDuring } from '../support/cache-puts.ts';
import { call, newRepository, push, pushBlob } from '../support/client.ts';
import { countDuring } from '../support/counting.ts';
import { artifactOf, indexOf, randomBlob, randomImage } from '../support/images.ts';
import { newStores } from '../support/storage.ts';
import { DAMAGES, emptyStorage, keyOf, pushInParts, scrub } from './scrubbing.ts';

const CLEAN = { problems: [], orphans: { objects: 0, bytes: 0 } };

afterEach(emptyStorage);

describe('a registry where all is well', () => {
  test('is clean: blobs of one and of several parts, large and small manifests, deleted ones', async () => {
    const repository = newRepository();
    const images = [randomImage(), randomImage({ annotations: { big: 'x'.repeat(1_500_000) } })];
    for (const image of images) {
      await push(repository, image);
    }
    await push(repository, indexOf(images), 'latest');
    await push(repository, artifactOf('application/vnd.example.sbom', images[0] ?? null));
    await pushInParts(repository, randomBlob(2.5 * PART_SIZE));
    await pushBlob(repository, randomBlob(500, 'sha512'));
    const deleted = randomImage({ annotations: { big: 'y'.repeat(1_500_000) } });
    await push(repository, deleted);
    await call('DELETE', `/v2/${repository}/manifests/${deleted.digest}`);
    const report = await scrub();
    expect(report).toMatchObject(CLEAN);
    expect(report.objects).toBe(2 * 3 + 1 + 2 + 5);
    expect(report.bytes).toBeGreaterThan(2.5 * PART_SIZE + 3_000_000);
  });

  test('is clean while content is pushed and deleted', async () => {
    const repository = newRepository();
    const images = Array.from({ length: 6 }, () => randomImage());
    for (const image of images) {
      await push(repository, image);
    }
    const report = await scrub({ objects: 2 }, async (step) => {
      const image = images[step] ?? images[0];
      await call('DELETE', `/v2/${repository}/manifests/${image?.digest}`);
      await push(repository, randomImage(), 'latest');
    });
    expect(report).toMatchObject(CLEAN);
  });
});

test('an object of several parts is read in windows where the runtime needs it', async () => {
  const repository = newRepository();
  const blob = randomBlob(1.5 * PART_SIZE);
  await pushInParts(repository, blob);
  const { blobs } = newStores(undefined, { readWindow: 1_000_000 });
  const measured = await blobs.measure(await keyOf(blob), 'sha256');
  expect(measured).toEqual({ size: blob.bytes.byteLength, digest: blob.digest });
});

describe('damage', () => {
  const given = async () => {
    const repository = newRepository();
    const large = randomImage({ annotations: { big: 'x'.repeat(1_500_000) } });
    const parts = randomBlob(1.5 * PART_SIZE);
    await pushInParts(repository, parts);
    await push(repository, large);
    const others = Array.from({ length: 5 }, () => randomBlob(1000));
    for (const blob of others) {
      await pushBlob(repository, blob);
    }
    return { repository, large, parts, others };
  };

  test.each(['missing', 'size', 'digest'] as const)('%s: is found, exactly', async (kind) => {
    const { repository, large, parts, others } = await given();
    const [blob = parts] = others;
    for (const content of [blob, parts, large]) {
      await DAMAGES[kind](content);
    }
    const { problems } = await scrub();
    const blobs = { kind, where: 'blobs', repository: null };
    expect(problems.sort((a, b) => a.where.localeCompare(b.where) || 0)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...blobs, digest: blob.digest, key: await keyOf(blob) }),
        expect.objectContaining({ ...blobs, digest: parts.digest, key: await keyOf(parts) }),
        expect.objectContaining({ kind, where: 'manifests', repository, digest: large.digest }),
      ]),
    );
    expect(problems).toHaveLength(3);
  });

  test('in steps the result is that of one run, and each new mark is in the audit log once', async () => {
    const { parts, others } = await given();
    for (const blob of [...others.slice(0, 3), parts]) {
      await DAMAGES.digest(blob);
    }
    await env.BUCKET.put('blobs/nobody', 'three');
    const before = (await audited('object.damaged')).length;
    const whole = await scrub();
    const stepwise = await scrub({ objects: 1 });
    const small = await scrub({ bytes: 1 });
    expect(stepwise.steps).toBeGreaterThan(whole.steps);
    expect(small.steps).toBeGreaterThan(whole.steps);
    for (const { problems, objects, bytes, orphans } of [stepwise, small]) {
      expect({ problems, objects, bytes, orphans }).toEqual({
        problems: whole.problems,
        objects: whole.objects,
        bytes: whole.bytes,
        orphans: { objects: 1, bytes: 5 },
      });
    }
    expect(await audited('object.damaged')).toHaveLength(before + 4);
  });

  test('samples together read everything once', async () => {
    await given();
    const all = await scrub();
    const samples = [0, 1, 2].map((offset) => scrub({ sample: { every: 3, offset } }));
    const reports = await Promise.all(samples);
    expect(reports.reduce((sum, { objects }) => sum + objects, 0)).toBe(all.objects);
    expect(reports.every(({ objects }) => objects < all.objects)).toBe(true);
  });

  test('an object that no row names is counted and left alone', async () => {
    await env.BUCKET.put('blobs/nobody', 'x');
    await env.BUCKET.put('manifests/nobody', 'xyz');
    await env.BUCKET.put('backup/elsewhere', 'not content');
    expect(await scrub()).toMatchObject({ problems: [], orphans: { objects: 2, bytes: 4 } });
    expect(await env.BUCKET.head('blobs/nobody')).not.toBeNull();
  });

  test('a page of the bucket full of such objects takes a list or two, and no look at each', async () => {
    for (let number = 0; number < 100; number++) {
      await env.BUCKET.put(`blobs/nobody-${number}`, 'x');
    }
    const body = { place: { stage: 'bucket', after: '' } };
    const counts = await countDuring(async () => {
      const { json } = await callApi(ADMIN, 'POST', '/scrub', { body });
      expect(json.orphans).toEqual({ objects: 100, bytes: 100 });
    });
    expect(counts).toMatchObject({ r2ClassA: 2, r2ClassB: 0 });
  });

  test('of content that many repositories have is told to some of them at once', async () => {
    const [repository, blob] = [newRepository(), randomBlob(10)];
    await pushBlob(repository, blob);
    await env.DB.batch([
      env.DB.prepare(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
         INSERT INTO repositories (name, namespace) SELECT 'many/r' || i, 'many' FROM n`,
      ),
      env.DB.prepare(
        `INSERT INTO repository_blobs (repository_id, digest, lease_until)
         SELECT id, ?1, 0 FROM repositories WHERE namespace = 'many'`,
      ).bind(blob.digest),
    ]);
    await DAMAGES.missing(blob);
    expect(await cachePutsDuring(() => scrub())).toBe(100);
  });

  test('edges of a manifest that are not what its bytes say', async () => {
    const repository = newRepository();
    const [image, other] = [randomImage(), randomImage()];
    await push(repository, image);
    await push(repository, other);
    const [lost] = image.blobs;
    await env.DB.prepare('DELETE FROM manifest_blobs WHERE blob_digest = ?1')
      .bind(lost?.digest)
      .run();
    const [extra] = other.blobs;
    await env.DB.prepare(
      `INSERT INTO manifest_blobs SELECT repository_id, digest, ?2 FROM manifests WHERE digest = ?1`,
    )
      .bind(image.digest, extra?.digest)
      .run();
    expect((await scrub()).problems).toEqual([
      {
        kind: 'edges',
        where: 'manifests',
        repository,
        digest: image.digest,
        key: null,
        detail: `the database lacks the blob ${lost?.digest}; the database alone names the blob ${extra?.digest}`,
      },
    ]);
  });

  test('a body in the database that has another digest', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image);
    await env.DB.exec(`UPDATE manifests SET body = body || ' '`);
    expect((await scrub()).problems).toMatchObject([
      { kind: 'digest', digest: image.digest, key: null },
    ]);
  });
});

test('a place that no step gave is refused', async () => {
  for (const place of [
    { stage: 'blobs', after: 'x' },
    { stage: 'manifests', after: `sha256:${'0'.repeat(64)}` },
    { stage: 'nowhere', after: '' },
  ]) {
    expect((await callApi(ADMIN, 'POST', '/scrub', { body: { place } })).status).toBe(400);
  }
  const strange = { stage: 'bucket', after: '\u0000%zz' };
  expect((await callApi(ADMIN, 'POST', '/scrub', { body: { place: strange } })).status).toBe(200);
});
