/** Transfers that are hindered: by a crash, by an upstream that has had enough, by somebody who cancels. */
import { expect, test } from 'vitest';
import { newRepository, push } from '../../support/client.ts';
import { randomImage } from '../../support/images.ts';
import { ask, begin, crash, digestThere, ended, front, MIRROR, tagsThere } from './place.ts';

const IMAGES = 24;

/** Pushes images to the other registry: their digests by tag. */
async function fill(repository: string, count = IMAGES): Promise<Map<string, string>> {
  const images = new Map<string, string>();
  for (let number = 0; number < count; number++) {
    const image = randomImage();
    await push(repository, image, `v${number}`);
    images.set(`v${number}`, image.digest);
  }
  return images;
}

async function expectAll(repository: string, images: Map<string, string>): Promise<void> {
  for (const [tag, digest] of images) {
    expect(await digestThere(repository, tag), tag).toBe(digest);
  }
}

test('killed in the middle: it goes on, and copies no tag again', async () => {
  const repository = newRepository();
  const images = await fill(repository);
  const halfWay = Promise.withResolvers<void>();
  let blobs = 0;
  front.reply = async ({ method, path }) => {
    if (method === 'GET' && path.includes('/blobs/')) {
      blobs += 1;
      if (blobs > IMAGES) {
        halfWay.resolve();
        await crashed.promise; // the registry is killed while it waits for this
      }
    }
    return null;
  };
  const crashed = Promise.withResolvers<void>();
  const id = await begin({ from: `${MIRROR}/${repository}`, to: 'acme/killed' });
  await halfWay.promise;
  const before = await tagsThere('acme/killed');
  front.asked.length = 0;
  await crash();
  front.reply = () => null;
  crashed.resolve();
  const transfer = await ended(id);
  expect(transfer).toMatchObject({ state: 'done', failed: 0 });
  expect(transfer.copied + transfer.present).toBe(IMAGES);
  await expectAll('acme/killed', images);
  expect(before.length).toBeGreaterThan(0);
  expect(before.length).toBeLessThan(IMAGES);
  expect(front.blobs).toBeLessThan(2 * IMAGES); // what was there was not read again
  const read = front.asked.filter(({ method }) => method === 'GET').map(({ path }) => path);
  for (const tag of before) {
    expect(read.filter((path) => path.endsWith(`/${images.get(tag)}`))).toEqual([]);
  }
});

test('an upstream that answers 429 is left alone for as long as it says', async () => {
  const repository = newRepository();
  const images = await fill(repository, 4);
  let refusals = 0;
  front.reply = ({ path }) => {
    if (path.includes('/blobs/') && refusals < 2) {
      refusals += 1;
      return { status: 429, headers: { 'Retry-After': '2' } };
    }
    return null;
  };
  const id = await begin({ from: `${MIRROR}/${repository}`, to: 'acme/limited' });
  await expect
    .poll(async () => (await ask('GET', `/transfers/${id}`)).json, { timeout: 20_000 })
    .toMatchObject({ state: 'running', pausedBecause: expect.stringContaining('ask no more') });
  expect(await ended(id)).toMatchObject({ state: 'done', copied: 4, failed: 0 });
  front.reply = () => null;
  await expectAll('acme/limited', images);
});

test('an upstream that fails is tried again', async () => {
  const repository = newRepository();
  const images = await fill(repository, 2);
  let failures = 0;
  front.reply = ({ path }) => {
    if (path.includes('/blobs/') && failures < 2) {
      failures += 1;
      return { status: 500 };
    }
    return null;
  };
  const id = await begin({ from: `${MIRROR}/${repository}`, to: 'acme/failing' });
  expect(await ended(id)).toMatchObject({ state: 'done', copied: 2, failed: 0 });
  front.reply = () => null;
  await expectAll('acme/failing', images);
});

test('canceled: it copies no more, and what was copied stays', async () => {
  const repository = newRepository();
  const images = await fill(repository);
  const reached = Promise.withResolvers<void>();
  const canceled = Promise.withResolvers<void>();
  let blobs = 0;
  front.reply = async ({ path }) => {
    blobs += path.includes('/blobs/') ? 1 : 0;
    if (blobs > IMAGES) {
      reached.resolve();
      await canceled.promise;
    }
    return null;
  };
  const id = await begin({ from: `${MIRROR}/${repository}`, to: 'acme/canceled' });
  await reached.promise;
  expect((await ask('DELETE', `/transfers/${id}`)).status).toBe(204);
  canceled.resolve();
  expect((await ask('GET', `/transfers/${id}`)).json.state).toBe('canceled');
  expect((await ask('DELETE', `/transfers/${id}`)).status).toBe(409);
  front.reply = () => null;
  // In the time of this one the other would have gone on, turn by turn.
  const next = await begin({ from: `${MIRROR}/${repository}`, to: 'acme/next' });
  expect(await ended(next)).toMatchObject({ state: 'done', copied: IMAGES });
  const copied = await tagsThere('acme/canceled');
  expect(copied.length).toBeGreaterThan(0);
  expect(copied.length).toBeLessThan(images.size);
});
