/** Whatever is done, in whatever order and at once: usage is what a recount gives, and no quota is passed. */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { afterEach, expect, inject, test } from 'vitest';
import { collect } from '../../src/lifecycle/collect.ts';
import { streamOf } from '../support/bodies.ts';
import { call, pushManifest, startUpload, withQuery } from '../support/client.ts';
import { indexOf, randomBlob, randomImage } from '../support/images.ts';
import { expectRightUsage, newNamespace, setQuota, usedBytes } from '../support/quotas.ts';
import { expectNoOrphans, newStores } from '../support/storage.ts';

afterEach(expectNoOrphans);

const IMAGES = [randomImage(), randomImage(), randomImage()];
const MANIFESTS = [...IMAGES, indexOf(IMAGES.slice(0, 2))];
const BLOBS = [...IMAGES.flatMap(({ blobs }) => blobs), randomBlob(500)];
const EVERYTHING = [...BLOBS, ...MANIFESTS].reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
const TAGS = ['one', 'two'];

/** Two repositories in each of two namespaces. */
const place = fc.record({ namespace: fc.nat(1), repository: fc.nat(1) });
const blob = fc.constantFrom(...BLOBS);
const manifest = fc.constantFrom(...MANIFESTS);
const tag = fc.constantFrom(...TAGS);

type Place = { namespace: number; repository: number };
type Step = (names: readonly string[]) => Promise<unknown>;

const at = (names: readonly string[], { namespace, repository }: Place) =>
  `/v2/${names[namespace]}/${repository}`;

/** Asserts that a request was answered, if only with a refusal. */
async function answered(request: Promise<Response>): Promise<Response> {
  const response = await request;
  expect(response.status, await response.clone().text()).toBeLessThan(500);
  return response;
}

/** Time passes until nothing is spared, and the collector comes. */
async function age(statements: readonly string[]): Promise<void> {
  await env.DB.batch(statements.map((sql) => env.DB.prepare(sql)));
  await collect(newStores());
}

const pushes: fc.Arbitrary<Step> = fc
  .record({ place, blob, isStreamed: fc.boolean() })
  .map(({ place, blob: { bytes, digest }, isStreamed }) => async (names) => {
    const location = await startUpload(at(names, place).slice('/v2/'.length));
    const finish = withQuery(location, 'digest', digest);
    if (!isStreamed) {
      return answered(call('PUT', finish, { body: bytes }));
    }
    const patch = await answered(call('PATCH', location, { body: streamOf(bytes) }));
    return patch.ok && answered(call('PUT', finish));
  });

const mounts: fc.Arbitrary<Step> = fc
  .record({ place, from: place, blob })
  .map(({ place, from, blob: { digest } }) => (names) => {
    const source = at(names, from).slice('/v2/'.length);
    const query = new URLSearchParams({ mount: digest, from: source });
    return answered(call('POST', `${at(names, place)}/blobs/uploads/?${query}`));
  });

/** With what it names, as clients do it. */
const images: fc.Arbitrary<Step> = fc
  .record({ place, manifest, tag })
  .map(({ place, manifest, tag }) => async (names) => {
    const repository = at(names, place).slice('/v2/'.length);
    for (const { bytes, digest } of manifest.blobs) {
      const location = withQuery(await startUpload(repository), 'digest', digest);
      await answered(call('PUT', location, { body: bytes }));
    }
    return answered(pushManifest(repository, manifest, tag));
  });

const deletes: fc.Arbitrary<Step> = fc
  .record({
    place,
    what: fc.oneof(
      blob.map(({ digest }) => `blobs/${digest}`),
      manifest.map(({ digest }) => `manifests/${digest}`),
      tag.map((name) => `manifests/${name}`),
    ),
  })
  .map(
    ({ place, what }) =>
      (names) =>
        answered(call('DELETE', `${at(names, place)}/${what}`)),
  );

const collections: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  () =>
    age([
      'UPDATE repository_blobs SET lease_until = 0',
      'UPDATE collection_queue SET released_at = 0, review_after = 0',
    ]),
  () => age(['UPDATE deleted_manifests SET expires_at = 0']),
);

const quotas: fc.Arbitrary<Step> = fc
  .record({ namespace: fc.nat(1), bytes: fc.option(fc.nat(EVERYTHING)) })
  .map(
    ({ namespace, bytes }) =>
      (names) =>
        setQuota(names[namespace] ?? '', { bytes }),
  );

/** Each step is done, or each few at once. */
const step = fc.oneof(
  { weight: 2, arbitrary: pushes },
  { weight: 2, arbitrary: mounts },
  { weight: 4, arbitrary: images },
  { weight: 4, arbitrary: deletes },
  { weight: 2, arbitrary: collections },
);
const rounds = fc.array(
  fc.oneof(
    fc.array(step, { minLength: 1, maxLength: 4 }),
    quotas.map((one) => [one]),
  ),
  { minLength: 5, maxLength: 25 },
);

test('usage is what a recount gives after every run', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(rounds, async (rounds) => {
      const names = [await newNamespace(), await newNamespace()];
      for (const steps of rounds) {
        const before = await usage(names);
        await Promise.all(steps.map((run) => run(names)));
        await expectWithinQuotas(names, before);
      }
      await expectRightUsage();
    }),
    { seed: inject('seed'), numRuns: 25 },
  );
});

const usage = (names: readonly string[]) => Promise.all(names.map(usedBytes));

/** Above a quota is only what was there before it was lowered. */
async function expectWithinQuotas(names: readonly string[], before: readonly number[]) {
  const { results } = await env.DB.prepare(
    'SELECT name, quota_bytes FROM namespaces WHERE quota_bytes IS NOT NULL',
  ).all<{ name: string; quota_bytes: number }>();
  const after = await usage(names);
  for (const [index, name] of names.entries()) {
    const quota = results.find((row) => row.name === name)?.quota_bytes ?? EVERYTHING;
    expect(after[index]).toBeLessThanOrEqual(Math.max(quota, before[index] ?? 0));
  }
}
