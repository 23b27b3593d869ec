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
    const common = {
      kind: 'manifest',
      repository: 'own/held',
      restorableUntil: null,
      until: null,
    };
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

describe('a member', () => {
  test('is told of what they may see, however much there is that they may not', async () => {
    const blob = randomBlob(10);
    for (let number = 0; number < 25; number++) {
      await pushBlob(`own/hidden/${number}`, blob);
    }
    await call(boss, 'PUT', '/namespaces/own/members/developer', {
      body: { role: 'none', repositories: 'hidden/*' },
    });
    const ask = async () =>
      (await call(developer, 'GET', `/namespaces/own/why/${blob.digest}`)).json;
    expect(await ask()).toEqual({ digest: blob.digest, size: null, reasons: [], hasMore: false });
    await pushBlob('own/visible', blob);
    expect(await ask()).toMatchObject({
      size: 10,
      reasons: [{ repository: 'own/visible', restorableUntil: null }],
      hasMore: false,
    });
  });

  test('who may restore a deleted repository is told that it keeps what was in it', async () => {
    const image = randomImage();
    await push('own/going', image, 'v1');
    const path = `/namespaces/own/repositories/${encodeURIComponent('own/going')}`;
    expect((await call(boss, 'DELETE', path)).status).toBe(204);
    const deleted = (await call(boss, 'GET', '/namespaces/own/deleted-repositories')).json;
    const { restorableUntil } = deleted.repositories.at(-1);
    const reason = { repository: 'own/going', restorableUntil, until: restorableUntil };
    for (const content of [image, configOf(image)]) {
      const ask = async (caller: typeof boss, place = '/namespaces/own') =>
        (await call(caller, 'GET', `${place}/why/${content.digest}`)).json;
      expect((await ask(boss)).reasons).toMatchObject([reason]);
      expect((await ask(ADMIN, '')).reasons).toMatchObject([reason]);
      expect(await ask(developer)).toMatchObject({ size: null, reasons: [], hasMore: false });
    }
  });
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
