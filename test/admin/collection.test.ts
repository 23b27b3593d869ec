/** The collector by the API: a dry run says what the run after it does, and changes nothing. */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { newRepository, push, pushBlob, call as send } from '../support/client.ts';
import { artifactOf, indexOf, randomBlob, randomImage } from '../support/images.ts';
import { query } from '../support/storage.ts';
import { DAY, wait } from '../support/wait.ts';
import { ADMIN, call } from './api.ts';

const collection = async (body: { dryRun?: boolean } = {}) =>
  (await call(ADMIN, 'POST', '/collection', { body })).json;

/** Compares a dry run with the run after it; what the run did. */
async function expectPreviewed() {
  const { waiting, ...preview } = await collection({ dryRun: true });
  const done = await collection();
  expect({ ...preview, dryRun: false }).toEqual(done);
  expect(waiting).toBeDefined();
  return done;
}

const remove = (repository: string, reference: string) =>
  send('DELETE', `/v2/${repository}/manifests/${reference}`);

test('a dry run changes nothing, and says what waits', async () => {
  const repository = newRepository();
  const [deleted, blob] = [randomImage(), randomBlob(1000)];
  await push(repository, deleted, 'latest');
  await pushBlob(repository, blob);
  await remove(repository, deleted.digest);
  await wait(2 * DAY);
  const before = await query('SELECT digest FROM blobs ORDER BY digest');
  const { waiting, ...due } = await collection({ dryRun: true });
  expect(due).toEqual({
    dryRun: true,
    repositories: 0,
    manifests: 0,
    expired: 0,
    links: deleted.blobs.length + 1,
    blobs: 1,
    bytes: 1000,
    objects: 0,
    isDone: true,
  });
  const size = deleted.blobs.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  expect(waiting.restorable).toMatchObject({
    manifests: 1,
    bytes: size + deleted.bytes.byteLength,
    until: expect.stringMatching(/Z$/),
  });
  expect(await query('SELECT digest FROM blobs ORDER BY digest')).toEqual(before);
  await collection();
  const after = await collection({ dryRun: true });
  expect(after).toMatchObject({ links: 0, blobs: 0, bytes: 0 });
  expect(after.waiting.trash).toMatchObject({ objects: 1, bytes: 1000 });
});

test('what waits is counted before its first review, with the time that "why" names', async () => {
  const repository = newRepository();
  const [first, second] = [randomImage(), randomImage()];
  await push(repository, first, 'v1');
  await push(repository, second, 'v1');
  await pushBlob(repository, randomBlob(10));
  const until = async (digest: string) =>
    (await call(ADMIN, 'GET', `/why/${digest}`)).json.reasons[0].until;
  const { waiting } = await collection({ dryRun: true });
  expect(waiting.queue.manifests).toBe(1);
  await collection();
  expect((await collection({ dryRun: true })).waiting.queue).toEqual(waiting.queue);
  await remove(repository, second.digest);
  const [layer] = second.blobs;
  await wait(2 * DAY - 3600);
  const { queue } = (await collection({ dryRun: true })).waiting;
  expect(queue).toEqual({
    manifests: 1,
    blobs: second.blobs.length + 1,
    nextReview: await until(layer?.digest ?? ''),
  });
  await collection();
  expect((await collection({ dryRun: true })).waiting.queue).toEqual(queue);
});

test('a run without a body that says so is refused, and so is a field that nobody knows', async () => {
  const answers = [
    await call(ADMIN, 'POST', '/collection'),
    await call(ADMIN, 'POST', '/collection', { body: { dryrun: true } }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([415, 400]);
});

const image = randomImage();
const large = randomImage({ annotations: { big: 'x'.repeat(1_100_000) } });

/** What happens in a repository between two runs. */
const events: Record<string, (repository: string) => Promise<unknown>> = {
  'push an image': (repository) => push(repository, randomImage(), 'latest'),
  'push the same image': (repository) => push(repository, image, 'same'),
  'push a large manifest': (repository) => push(repository, large, 'large'),
  'push a blob': (repository) => pushBlob(repository, randomBlob(10)),
  'push an index': async (repository) => {
    const child = randomImage();
    await push(repository, child);
    await push(repository, indexOf([child]), 'latest');
  },
  'push a referrer': async (repository) => {
    await push(repository, image, 'same');
    await push(repository, artifactOf('application/vnd.example.sbom', image));
  },
  'delete an image': (repository) => remove(repository, image.digest),
  'delete a large manifest': (repository) => remove(repository, large.digest),
  'delete a tag': (repository) => remove(repository, 'latest'),
  'keep nothing': () => env.DB.prepare('UPDATE namespaces SET restore_days = 0').run(),
  'keep what is deleted': () => env.DB.prepare('UPDATE namespaces SET restore_days = 14').run(),
};

const step = fc.record({
  event: fc.constantFrom(...Object.keys(events)),
  place: fc.nat(1),
  days: fc.constantFrom(0, 0, 1, 2, 14),
});

test('a dry run says what the next run does, whatever happened', async () => {
  const total: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
      const places = [newRepository(), newRepository()];
      for (const { event, place, days } of steps) {
        await events[event]?.(places[place] ?? '');
        if (days > 0) {
          await wait(days * DAY);
          for (const [name, count] of Object.entries(await expectPreviewed())) {
            total[name] = (total[name] ?? 0) + Number(count);
          }
        }
      }
    }),
    { numRuns: 15, seed: inject('seed') },
  );
  const { manifests, expired, links, blobs, objects } = total;
  expect(Math.min(...[manifests, expired, links, blobs, objects].map(Number))).toBeGreaterThan(0);
});

test('what a purged repository had is counted when it goes into the trash', async () => {
  const repository = newRepository();
  const image = randomImage();
  await push(repository, image, 'v1');
  const [namespace = ''] = repository.split('/');
  const path = `/namespaces/${namespace}`;
  await call(ADMIN, 'PATCH', path, { body: { restoreDays: 14 } }); // other tests draw it
  await call(ADMIN, 'DELETE', `${path}/repositories/${encodeURIComponent(repository)}`);
  const deleted = (await call(ADMIN, 'GET', `${path}/deleted-repositories`)).json.repositories;
  await call(ADMIN, 'DELETE', `${path}/deleted-repositories/${deleted[0].id}`);
  const size = image.blobs.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  expect(await collection()).toMatchObject({
    repositories: 1,
    blobs: image.blobs.length,
    bytes: size,
  });
});

test('what can be restored no more does not wait, with the blobs that it named', async () => {
  const repository = newRepository();
  const image = randomImage();
  await push(repository, image, 'latest');
  await remove(repository, image.digest);
  const restorable = async () => (await collection({ dryRun: true })).waiting.restorable;
  expect((await restorable()).bytes).toBeGreaterThan(0);
  await wait(15 * DAY);
  expect(await restorable()).toMatchObject({ manifests: 0, bytes: 0 });
});
