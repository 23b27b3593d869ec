/** What a mirror stores of large indexes fits the limits of D1, which miniflare does not have. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { call } from '../support/client.ts';
import { ADMIN, useClosedRegistry } from '../support/closed.ts';
import {
  type Algorithm,
  descriptorOf,
  manifestOf,
  OCI_INDEX,
  OCI_MANIFEST,
  randomDigest,
} from '../support/images.ts';
import { stubUpstream } from '../support/stub-upstream.ts';

/** https://developers.cloudflare.com/d1/platform/limits/ */
const MAX_PARAMETER = 2_000_000; // bytes

useClosedRegistry();

let mirrors = 0;
let mirror = '';

beforeEach(async () => {
  mirror = `large-${++mirrors}.example`;
  const put = await call('PUT', `/api/v1/upstreams/${mirror}`, {
    headers: { ...ADMIN, 'Content-Type': 'application/json' },
    body: JSON.stringify({ url: 'https://quay.io' }),
  });
  expect(put.status, await put.text()).toBe(200);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test.each<[string, number, Algorithm, number]>([
  ['10,000 manifests, whose digests are long', 10_000, 'sha512', 5],
  ['manifests whose platforms are very long', 1500, 'sha256', 2000],
])('an index of %s', async (_what, count, algorithm, length) => {
  const manifests = Array.from({ length: count }, () => ({
    ...descriptorOf({ digest: randomDigest(algorithm), bytes: new Uint8Array() }, OCI_MANIFEST),
    platform: { os: 'linux', architecture: 'x'.repeat(length), variant: 'v8' },
  }));
  const index = manifestOf({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX);
  stubUpstream(index);
  const bind = vi.spyOn(Object.getPrototypeOf(env.DB.prepare('SELECT 1')), 'bind');
  const response = await call('GET', `/v2/${mirror}/app/manifests/v1`, { headers: ADMIN });
  expect(response.status).toBe(200);
  const sizes = bind.mock.calls.flat().map((value) => String(value).length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_PARAMETER);
  const unfetched = await env.DB.prepare(
    'SELECT count(*) AS count FROM unfetched_content JOIN repositories ON id = repository_id WHERE name = ?1',
  )
    .bind(`${mirror}/app`)
    .first();
  expect(unfetched).toEqual({ count });
});
