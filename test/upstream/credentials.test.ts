/** How often credentials are decrypted. */
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import { seal } from '../../src/auth/sealing.ts';
import type { UpstreamRecord } from '../../src/storage/metadata/upstreams.ts';
import { OpenedCredentials } from '../../src/upstream/credentials.ts';

const KEY = 'the password of the administrator';

let decrypt: MockInstance;

beforeEach(() => {
  decrypt = vi.spyOn(crypto.subtle, 'decrypt');
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function upstreamWith(password: string): Promise<UpstreamRecord> {
  const secret = await seal(password, KEY);
  return { namespace: 'quay.io', username: 'ci', secret } as UpstreamRecord;
}

test('once, whoever needs them; others anew', async () => {
  const opened = new OpenedCredentials();
  const [first, second] = [await upstreamWith('first'), await upstreamWith('second')];
  const all = await Promise.all([opened.of(first, KEY), opened.of(first, KEY)]);
  expect(all).toEqual([1, 2].map(() => ({ username: 'ci', password: 'first' })));
  await opened.of(first, KEY);
  expect(decrypt).toHaveBeenCalledTimes(1);
  expect(await opened.of(second, KEY)).toEqual({ username: 'ci', password: 'second' });
  expect(decrypt).toHaveBeenCalledTimes(2);
});

test('once also when another password encrypted them: then they have to be set again', async () => {
  const opened = new OpenedCredentials();
  const upstream = await upstreamWith('first');
  for (let turn = 0; turn < 2; turn++) {
    await expect(opened.of(upstream, 'another')).rejects.toMatchObject({
      error: 'UPSTREAM_REFUSED',
      message: expect.stringContaining('set them again'),
    });
  }
  expect(decrypt).toHaveBeenCalledTimes(1);
});

test('not at all without any', async () => {
  const upstream = { namespace: 'quay.io', username: null, secret: null } as UpstreamRecord;
  expect(await new OpenedCredentials().of(upstream, KEY)).toBeNull();
  expect(decrypt).not.toHaveBeenCalled();
});
