/** A turn asks for no more than an invocation may, and the next goes on where it was. */
import { afterEach, expect, test, vi } from 'vitest';
import { newRepository } from '../support/client.ts';
import { artifactOf, indexOf } from '../support/images.ts';
import { elsewhere, MIRROR } from './elsewhere.ts';
import { alarms, watchAlarms } from './invocation.ts';
import { run } from './transfers.ts';

const TAGS = 120;
const PLATFORMS = 150;

afterEach(() => vi.restoreAllMocks());

const artifact = () => artifactOf('application/vnd.example.thing', null);

test('many tags, new and then unchanged', async () => {
  for (let number = 0; number < TAGS; number++) {
    elsewhere.add(artifact(), `v${number}`);
  }
  watchAlarms();
  const body = { from: `${MIRROR}/${newRepository()}`, to: 'limits/tags' };
  expect(await run(body)).toMatchObject({ state: 'done', copied: TAGS, failed: 0 });
  expect(await run(body)).toMatchObject({ state: 'done', present: TAGS, failed: 0 });
  expect(Math.max(...alarms)).toBeLessThan(1000);
});

test('an image of more manifests than one turn looks at, new and then unchanged', async () => {
  const platforms = Array.from({ length: PLATFORMS }, artifact);
  for (const platform of platforms) {
    elsewhere.add(platform);
  }
  elsewhere.add(indexOf(platforms), 'v1');
  watchAlarms();
  const body = { from: `${MIRROR}/${newRepository()}`, to: 'limits/platforms' };
  expect(await run(body)).toMatchObject({ state: 'done', copied: 1, failed: 0 });
  expect(await run(body)).toMatchObject({ state: 'done', present: 1, failed: 0 });
  expect(Math.max(...alarms)).toBeLessThan(1000);
});

test('a turn that has asked too much all the same ends, and nothing has failed', async () => {
  elsewhere.add(artifact(), 'v1');
  let refusals = 0;
  elsewhere.reply = ({ method }) => {
    if (method === 'HEAD' && refusals < 6) {
      refusals += 1;
      throw new Error('Too many subrequests by single Worker invocation.');
    }
    return null;
  };
  const body = { from: `${MIRROR}/${newRepository()}`, to: 'limits/spent' };
  expect(await run(body)).toMatchObject({ state: 'done', copied: 1, failed: 0 });
});
