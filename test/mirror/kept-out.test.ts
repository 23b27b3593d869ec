/** What a mirror does when its own database lets nothing in, or knows less than the upstream. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { bytesOf, call, expectError, header } from '../support/client.ts';
import { ADMIN, useClosedRegistry } from '../support/closed.ts';
import { manifestOf, OCI_INDEX, randomImage, type TestManifest } from '../support/images.ts';
import { stubUpstream } from '../support/stub-upstream.ts';

useClosedRegistry();

let mirrors = 0;
let repository = '';

beforeEach(async () => {
  const mirror = `kept-out-${++mirrors}.example`;
  repository = `${mirror}/app`;
  const put = await call('PUT', `/api/v1/upstreams/${mirror}`, {
    headers: { ...ADMIN, 'Content-Type': 'application/json' },
    body: JSON.stringify({ url: 'https://quay.io', tagMaxAge: 0, missingMaxAge: 0 }),
  });
  expect(put.status, await put.text()).toBe(200);
});

afterEach(() => vi.unstubAllGlobals());

const get = () => call('GET', `/v2/${repository}/manifests/v1`, { headers: ADMIN });

async function expectStale(wanted: TestManifest, why: string): Promise<void> {
  const response = await get();
  expect(response.status).toBe(200);
  expect(header(response, 'Warning')).toContain(why);
  expect(await bytesOf(response)).toEqual(wanted.bytes);
}

async function pulled(): Promise<TestManifest> {
  const image = randomImage();
  stubUpstream(image);
  expect((await get()).status).toBe(200);
  return image;
}

test('while a restore is under way a tag that moved is what it was', async () => {
  const image = await pulled();
  stubUpstream(randomImage());
  await env.DB.prepare(
    `INSERT INTO progress (job, state) VALUES ('restore', '{"phase":"open","audit":0}')`,
  ).run();
  await expectStale(image, 'a restore is under way');
  stubUpstream(image, 'nothing');
  await expectStale(image, 'a restore is under way');
  await env.DB.prepare("DELETE FROM progress WHERE job = 'restore'").run();
});

test('a tag that the upstream was never asked for, as a restored one, is served without it', async () => {
  const image = await pulled();
  await env.DB.prepare('DELETE FROM upstream_tags').run();
  vi.stubGlobal('fetch', async () => new Response(null, { status: 500 }));
  await expectStale(image, 'answers 500');
});

test('a large manifest whose intent is over by then: 503, to be asked for again', async () => {
  const annotations = { long: 'x'.repeat(1_500_000) };
  const index = manifestOf(
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], annotations },
    OCI_INDEX,
  );
  stubUpstream(index);
  await env.DB.prepare(
    `CREATE TRIGGER intents_are_over AFTER INSERT ON uploads WHEN NEW.r2_key LIKE 'manifests/%'
     BEGIN DELETE FROM uploads WHERE r2_key = NEW.r2_key; END`,
  ).run();
  const response = await get();
  await env.DB.prepare('DROP TRIGGER intents_are_over').run();
  await expectError(response, 503, 'UNAVAILABLE');
  expect((await get()).status).toBe(200);
});
