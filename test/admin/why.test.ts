/** What keeps a blob or a manifest, in words and until when. */
import { beforeAll, describe, expect, test } from 'vitest';
import { push, pushBlob, call as send } from '../support/client.ts';
import { artifactOf, indexOf, randomBlob, randomDigest, randomImage } from '../support/images.ts';
import { DAY, wait } from '../support/wait.ts';
import { ADMIN, call, user } from './api.ts';
import { boss, developer, prepare } from './given.ts';

beforeAll(prepare);

const why = async ({ digest }: { digest: string }) =>
  (await call(ADMIN, 'GET', `/why/${digest}`)).json;
const remove = (repository: string, reference: string) =>
  send('DELETE', `/v2/${repository}/manifests/${reference}`);
const configOf = (image: ReturnType<typeof randomImage>) => image.blobs[0] ?? image;

/** How many days from now a time is, rounded. */
const days = (time: string) => Math.round((Date.parse(time) - Date.now()) / (DAY * 1000));

describe('a manifest', () => {
  test('is kept by a tag, by an index, by its subject', async () => {
    const [image, child] = [randomImage(), randomImage()];
    const [index, sbom] = [indexOf([child]), artifactOf('application/vnd.example.sbom', image)];
    await push('own/held', image, 'latest');
    await push('own/held', child);
    await push('own/held', index, 'all');
    await push('own/held', sbom);
    const reasons = [];
    for (const manifest of [image, child, sbom]) {
      reasons.push(...(await why(manifest)).reasons);
    }
    const common = { kind: 'manifest', repository: 'own/held', until: null };
    expect(reasons).toEqual([
      { ...common, because: 'tagged latest', by: { tags: ['latest'], manifest: null } },
      {
        ...common,
        because: `an index names it: ${index.digest}`,
        by: { tags: [], manifest: index.digest },
      },
      {
        ...common,
        because: `it refers to ${image.digest}`,
        by: { tags: [], manifest: image.digest },
      },
    ]);
  });

  test('that nothing holds stays for 14 days, and 14 more when it is deleted', async () => {
    const image = randomImage();
    await push('own/loose', image);
    const [loose] = (await why(image)).reasons;
    expect([loose.because, days(loose.until)]).toEqual(['nothing holds it any more', 14]);
    await wait(4 * DAY);
    expect(days((await why(image)).reasons[0].until)).toBe(10);
    await remove('own/loose', image.digest);
    const [deleted] = (await why(image)).reasons;
    expect(deleted.because).toBe('it was deleted and can be restored');
    expect(days(deleted.until)).toBe(14);
  });
});

describe('a blob', () => {
  test('is kept by the manifests that name it, wherever they are', async () => {
    const image = randomImage();
    await push('own/first', image, 'latest');
    await push('other/second', image, 'v1');
    const { reasons, size, hasMore } = await why(configOf(image));
    expect(size).toBe(200);
    expect(hasMore).toBe(false);
    expect(reasons.map((reason: { because: string }) => reason.because).sort()).toEqual([
      `the manifest ${image.digest} names it, tagged latest`,
      `the manifest ${image.digest} names it, tagged v1`,
    ]);
  });

  test('is kept by its lease, and by deleted manifests', async () => {
    const [blob, image] = [randomBlob(10), randomImage()];
    await pushBlob('own/leased', blob);
    const [leased] = (await why(blob)).reasons;
    expect([leased.because, days(leased.until)]).toEqual([
      'uploaded, mounted, asked for by a pusher or let go of by a manifest lately',
      2,
    ]);
    await push('own/leased', image, 'latest');
    await remove('own/leased', image.digest);
    const { reasons } = await why(configOf(image));
    expect(reasons.at(-1)).toMatchObject({
      because: `the deleted manifest ${image.digest} names it and can be restored`,
      by: { manifest: image.digest },
    });
    expect(days(reasons.at(-1).until)).toBe(14);
  });

  test('with many reasons has some of them told', async () => {
    const blob = randomBlob(10);
    for (let number = 0; number < 25; number++) {
      await pushBlob(`own/many-${number}`, blob);
    }
    const { reasons, hasMore } = await why(blob);
    expect([reasons.length, hasMore]).toEqual([20, true]);
  });
});

test('what is not stored has no reasons, and what is no digest is refused', async () => {
  const digest = randomDigest();
  expect(await why({ digest })).toEqual({ digest, size: null, reasons: [], hasMore: false });
  expect((await call(ADMIN, 'GET', '/why/latest')).status).toBe(400);
});

test('members see what they may pull in their namespace, and nothing of others', async () => {
  const blob = randomBlob(10);
  await pushBlob('other/mine', blob);
  const ask = async (caller = boss) =>
    (await call(caller, 'GET', `/namespaces/own/why/${blob.digest}`)).json;
  expect(await ask()).toMatchObject({ size: null, reasons: [] });
  await pushBlob('own/secret', blob);
  await call(boss, 'PUT', '/namespaces/own/members/developer', {
    body: { role: 'none', repositories: 'secret' },
  });
  expect((await ask()).reasons).toMatchObject([{ repository: 'own/secret' }]);
  expect(await ask(developer)).toMatchObject({ size: null, reasons: [], hasMore: false });
  const stranger = await call(user('stranger'), 'GET', `/namespaces/own/why/${blob.digest}`);
  expect(stranger.status).toBe(404);
});
