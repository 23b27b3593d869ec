/** What refers to an image comes along, however much it is. */
import { expect, test } from 'vitest';
import { call, newRepository } from '../support/client.ts';
import { artifactOf, indexOf, randomImage } from '../support/images.ts';
import { elsewhere, MIRROR } from './elsewhere.ts';
import { run } from './transfers.ts';

const REFERRERS = 130;

/** Digests of what refers to the image in a repository of ours. */
async function referrersOf(repository: string): Promise<string[]> {
  const response = await call('GET', `/v2/${repository}/referrers/${image.digest}`);
  const { manifests } = (await response.json()) as { manifests: { digest: string }[] };
  return manifests.map(({ digest }) => digest).sort();
}

const image = artifactOf('application/vnd.example.thing', null);
const newReferrer = () => artifactOf('application/vnd.example.signature', image);

test('more than a mirror fetches at once, and one more when only the mirror has forgotten them', async () => {
  const referrers = Array.from({ length: REFERRERS }, newReferrer);
  elsewhere.add(image, 'v1');
  elsewhere.referrers.set(image.digest, referrers);
  for (const referrer of referrers) {
    elsewhere.add(referrer);
  }
  const to = 'referrers/many';
  const copied = await run({ from: `${MIRROR}/${newRepository()}`, to });
  expect(copied).toMatchObject({ state: 'done', copied: 1, failed: 0 });
  expect(await referrersOf(to)).toEqual(referrers.map(({ digest }) => digest).sort());
  const last = newReferrer();
  referrers.push(last);
  elsewhere.add(last);
  expect(await run({ from: `${MIRROR}/${newRepository()}`, to })).toMatchObject({ present: 1 });
  expect(await referrersOf(to)).toContain(last.digest);
});

test('one that is listed and not there does not keep the image', async () => {
  const [gone, there] = [newReferrer(), newReferrer()];
  elsewhere.add(image, 'v1');
  elsewhere.referrers.set(image.digest, [gone, there]);
  elsewhere.add(there);
  const body = { from: `${MIRROR}/${newRepository()}`, to: 'referrers/gone' };
  expect(await run(body)).toMatchObject({ state: 'done', copied: 1, failed: 0 });
  expect(await referrersOf('referrers/gone')).toEqual([there.digest]);
});

test('a list under the tag of a sha512 digest, which the spec cuts, belongs to its image', async () => {
  const long = randomImage({}, 'sha512');
  const signature = artifactOf('application/vnd.example.signature', long);
  elsewhere.reply = ({ path }) =>
    path.includes('/referrers/') ? new Response(null, { status: 404 }) : null;
  elsewhere.add(long, 'v1');
  elsewhere.add(signature);
  const listTag = long.digest.replace(':', '-').slice(0, 'sha512-'.length + 64);
  elsewhere.add(indexOf([signature]), listTag);
  elsewhere.add(artifactOf('application/vnd.example.thing', null), `sha512-${'0'.repeat(64)}`);
  const body = { from: `${MIRROR}/${newRepository()}`, to: 'referrers/long', tags: ['v*'] };
  expect(await run(body)).toMatchObject({ state: 'done', copied: 2, failed: 0 });
  const response = await call('GET', '/v2/referrers/long/tags/list');
  expect(await response.json()).toMatchObject({ tags: [listTag, 'v1'] });
});
