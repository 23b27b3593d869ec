/** Upstreams that are gone, fail, or have had enough of us. */
import { describe, expect, test } from 'vitest';
import { call, expectError, header } from '../../support/client.ts';
import {
  expectBytes,
  getBlob,
  getManifest,
  image,
  layerOf,
  newMirror,
  pullImage,
  upstream,
  usePlace,
} from './place.ts';

usePlace();

/** An image that was pulled, of which the tag is asked for again each time. */
async function pulled(settings: Record<string, unknown> = {}) {
  const wanted = image(1000);
  upstream.add('app', wanted, 'latest');
  const repository = `${await newMirror({ tagMaxAge: 0, missingMaxAge: 0, ...settings })}/app`;
  await pullImage(repository, wanted);
  return { repository, wanted };
}

async function expectStale(
  repository: string,
  wanted: Awaited<ReturnType<typeof pulled>>['wanted'],
) {
  const manifest = await pullImage(repository, wanted);
  expect(header(manifest, 'Warning')).toMatch(/^110 - ".+"$/);
}

async function expectUnavailable(response: Response): Promise<void> {
  expect(Number(header(response, 'Retry-After'))).toBeGreaterThan(0);
  await expectError(response, 503, 'UNAVAILABLE');
}

describe.each<[string, () => Promise<void>]>([
  ['stopped', () => upstream.stop()],
  [
    'that fails',
    async () => {
      upstream.script = () => ({ status: 500, body: 'no' });
    },
  ],
  [
    'that redirects for ever',
    async () => {
      upstream.script = ({ path }) => ({ status: 307, headers: { Location: `${path}0` } });
    },
  ],
  [
    'that redirects nowhere',
    async () => {
      upstream.script = () => ({ status: 307, headers: { Location: 'http://[' } });
    },
  ],
])('an upstream %s', (_how, fail) => {
  test('leaves what is here: by tag with a warning, by digest without; the rest is 503', async () => {
    const { repository, wanted } = await pulled();
    const other = image(1000);
    await fail();
    await expectStale(repository, wanted);
    const byDigest = await pullImage(repository, wanted, wanted.digest);
    expect(byDigest.headers.get('Warning')).toBeNull();
    await expectUnavailable(await getManifest(repository, 'other'));
    await expectUnavailable(await getManifest(repository, other.digest));
    await expectUnavailable(await getBlob(repository, layerOf(other)));
  });

  test("with onFailure 'fail' leaves only what a digest names", async () => {
    const { repository, wanted } = await pulled({ onFailure: 'fail' });
    await fail();
    await expectUnavailable(await getManifest(repository, 'latest'));
    await pullImage(repository, wanted, wanted.digest);
  });
});

test('an upstream that is back is asked again', async () => {
  const { repository, wanted } = await pulled();
  await upstream.stop();
  await expectStale(repository, wanted);
  const next = image(1000);
  upstream.add('app', next, 'latest');
  await upstream.start();
  const manifest = await pullImage(repository, next);
  expect(manifest.headers.get('Warning')).toBeNull();
});

test('that it could not tell is remembered for a moment', async () => {
  const { repository, wanted } = await pulled({ missingMaxAge: 3600 });
  upstream.script = () => ({ status: 500 });
  await expectStale(repository, wanted);
  const before = upstream.seen.length;
  await expectStale(repository, wanted);
  expect(upstream.seen).toHaveLength(before);
});

describe('an upstream that says 429', () => {
  test('is not asked before the time that it says; what is here stays, the rest is 429', async () => {
    const { repository, wanted } = await pulled();
    upstream.script = () => ({ status: 429, headers: { 'Retry-After': '1000' } });
    await expectStale(repository, wanted);
    const before = upstream.seen.length;
    await expectStale(repository, wanted);
    for (const response of [
      await getManifest(repository, 'other'),
      await getBlob(repository, layerOf(image(1))),
    ]) {
      expect(Number(header(response, 'Retry-After'))).toBeGreaterThan(900);
      expect(Number(header(response, 'Retry-After'))).toBeLessThanOrEqual(1000);
      await expectError(response, 429, 'TOOMANYREQUESTS');
    }
    expect(upstream.seen).toHaveLength(before);
  });

  test('and not how long: many at once are one refusal', async () => {
    const repository = `${await newMirror()}/app`;
    const { promise, resolve } = Promise.withResolvers<void>();
    upstream.script = () => ({ status: 429, before: promise });
    const asking = Array.from({ length: 8 }, (_, index) => getManifest(repository, `tag-${index}`));
    await expect.poll(() => upstream.seen.length).toBe(8);
    resolve();
    await Promise.all(asking);
    const response = await getManifest(repository, 'tag-9');
    expect(Number(header(response, 'Retry-After'))).toBeLessThanOrEqual(30);
  });

  test('is asked again after it', async () => {
    const { repository, wanted } = await pulled();
    let isLimited = true;
    upstream.script = () => (isLimited ? { status: 429, headers: { 'Retry-After': '1' } } : null);
    await expectStale(repository, wanted);
    isLimited = false;
    await expect
      .poll(async () => (await getManifest(repository, 'latest')).headers.get('Warning'), {
        timeout: 10_000,
      })
      .toBeNull();
  });
});

describe('a tag that is gone at the upstream', () => {
  test('is forgotten', async () => {
    const { repository, wanted } = await pulled();
    upstream.removeTag('app', 'latest');
    await expectError(await getManifest(repository, 'latest'), 404, 'MANIFEST_UNKNOWN');
    const list = await call('GET', `/v2/${repository}/tags/list`);
    expect(await list.json()).toMatchObject({ tags: [] });
    await pullImage(repository, wanted, wanted.digest);
  });

  test("is kept with onMissing 'keep'", async () => {
    const { repository, wanted } = await pulled({ onMissing: 'keep' });
    upstream.removeTag('app', 'latest');
    await expectStale(repository, wanted);
  });

  test.each([401, 403])(
    'is not gone when it answers %i: the login may be what is wrong',
    async (status) => {
      const { repository, wanted } = await pulled();
      upstream.script = () => ({ status });
      await expectStale(repository, wanted);
      await expectError(await getManifest(repository, 'other'), 403, 'DENIED');
      upstream.script = () => null;
      await expectBytes(await getManifest(repository, 'latest'), wanted);
    },
  );
});

test('an upstream without TLS where https is set: the reason is told, and nothing is kept', async () => {
  const repository = `${await newMirror({ url: `https://${upstream.host}` })}/app`;
  const response = await getManifest(repository, 'latest');
  expect(await response.clone().text()).toContain('no TLS certificate that is trusted here');
  await expectUnavailable(response);
  await expectError(await call('GET', `/v2/${repository}/tags/list`), 404, 'NAME_UNKNOWN');
});
