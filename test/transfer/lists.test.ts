/** Lists of the other registry: long ones, endless ones, and what they name that the mirror leaves out. */
import { afterEach, expect, test, vi } from 'vitest';
import { readList } from '../../src/transfer/read-list.ts';
import type { UpstreamClient } from '../../src/upstream/client.ts';
import { newRepository } from '../support/client.ts';
import { artifactOf } from '../support/images.ts';
import { elsewhere, MIRROR, mirror } from './elsewhere.ts';
import { run } from './transfers.ts';

const PAGE = 30_000;

afterEach(() => {
  vi.useRealTimers();
});

const artifact = () => artifactOf('application/vnd.example.thing', null);

/** Names of signatures, from a number on. */
const signatures = (first: number) =>
  Array.from({ length: PAGE }, (_, index) => {
    const hex = (first + index).toString(16).padStart(64, '0');
    return `sha256-${hex}.sig`;
  });

test('all tags in one answer, as distribution 2 sends them', async () => {
  elsewhere.add(artifact(), 'v1');
  elsewhere.reply = ({ path }) =>
    path.includes('/tags/list') ? Response.json({ tags: ['v1', ...signatures(0)] }) : null;
  const body = { from: `${MIRROR}/${newRepository()}`, to: 'lists/long', tags: ['v1'] };
  expect(await run(body)).toMatchObject({ state: 'done', copied: 1, failed: 0 });
});

test('more tags than a transfer may have, whether they are copied for their own sake or not', async () => {
  elsewhere.reply = ({ path }) => {
    const [, first] = /first=(\d+)/.exec(path) ?? [];
    const next = Number(first ?? 0) + PAGE;
    return path.includes('/tags/list')
      ? Response.json(
          { tags: signatures(Number(first ?? 0)) },
          { headers: { Link: `</?first=${next}>; rel="next"` } },
        )
      : null;
  };
  const body = { from: `${MIRROR}/${newRepository()}`, to: 'lists/endless', tags: ['v1'] };
  const { state, failures } = await run(body);
  expect(state).toBe('failed');
  expect(failures[0].reason).toContain('200000 tags');
});

test('pages without a name that name another next page end', async () => {
  let pages = 0;
  elsewhere.reply = ({ path }) => {
    if (!path.includes('/tags/list')) {
      return null;
    }
    pages += 1;
    const headers = { Link: `</?k=${pages}>; rel="next"` };
    return Response.json({ tags: [] }, { headers });
  };
  const body = { from: `${MIRROR}/${newRepository()}`, to: 'lists/empty' };
  expect(await run(body)).toMatchObject({ state: 'done', copied: 0 });
  expect(pages).toBe(1);
});

test('one that stops in the middle is a failure', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const body = new ReadableStream({
    type: 'bytes',
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"tags":[')),
  });
  const client = { ask: async () => new Response(body) } as unknown as UpstreamClient;
  const reading = readList(client, 'app', '').catch((error) => error);
  while (vi.getTimerCount() === 0) {
    await Promise.resolve();
  }
  vi.advanceTimersByTime(30_000);
  expect(await reading).toMatchObject({ error: 'UPSTREAM_FAILED' });
});

test('repositories that the mirror does not fetch are none of the transfer', async () => {
  await mirror({ repositories: ['team/app'] });
  elsewhere.add(artifact(), 'v1');
  elsewhere.reply = ({ path }) =>
    path.startsWith('_catalog') ? Response.json({ repositories: ['team/app', 'team/not'] }) : null;
  const body = { from: `${MIRROR}/team`, to: 'lists', all: true };
  expect(await run(body)).toMatchObject({ state: 'done', repositories: 1, copied: 1, failed: 0 });
});
