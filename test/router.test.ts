import {
  createExecutionContext,
  createScheduledController,
  waitOnExecutionContext,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import worker from '../src/index.ts';
import { ROUTES } from '../src/router.ts';
import { call, expectError, newRepository, pushBlob } from './support/client.ts';
import { randomBlob } from './support/images.ts';
import { query } from './support/storage.ts';

describe('the route table', () => {
  test('has every endpoint of the spec, each once', () => {
    const ids = ROUTES.flatMap((row) => row.spec.split(' ')).filter((id) => id.startsWith('end-'));
    const spec = [
      '1',
      '2',
      '3',
      '4a',
      '4b',
      '4c',
      '5',
      '6',
      '7a',
      '7b',
      '8a',
      '8b',
      '9',
      '10',
      '11',
      '12a',
      '12b',
      '13',
      '14',
    ];
    expect([...new Set(ids)].sort()).toEqual(spec.map((id) => `end-${id}`).sort());
  });

  test.each(ROUTES)(
    '$methods $path asks for the access that it needs',
    ({ methods, path, access }) => {
      if (path === '/v2/:name+/blobs/uploads' || path === '/v2/:name+/blobs/uploads/:param') {
        expect(access).toBe('push'); // cancelling and asking for the offset too
      } else if (methods.some((method) => method === 'PUT')) {
        expect(access).toBe('push');
      } else if (methods.includes('DELETE')) {
        expect(access).toBe('delete');
      } else if (path.includes(':name')) {
        expect(access).toBe('pull');
      } else if (path === '/token' || path === '/v1/_ping') {
        expect(access).toBe('public'); // logs in itself; tells nothing
      } else if (path === '/readyz') {
        expect(access).toBe('login');
      } else {
        expect(['any', 'catalog']).toContain(access);
      }
    },
  );
});

describe('a registry without an administrator that is not declared open', () => {
  const paths = ROUTES.map(({ methods, path }): [string, string] => [
    methods.find((method) => method !== 'HEAD') ?? 'GET',
    path.replace(':name+', 'some/where').replace(':param', 'latest'),
  ]);
  test.each(paths)('%s %s is DENIED', async (method, path) => {
    for (const OPEN of ['false', 'TRUE', '1', '']) {
      const request = new Request<unknown, IncomingRequestCfProperties>(
        `http://registry.test${path}`,
        { method },
      );
      const response = await worker.fetch(request, { ...env, OPEN });
      await expectError(response, 403, 'DENIED');
    }
  });

  test('neither is one without the variable', async () => {
    const { OPEN: _, ...closed } = env;
    const response = await worker.fetch(
      new Request<unknown, IncomingRequestCfProperties>('http://registry.test/v2/'),
      closed,
    );
    await expectError(response, 403, 'DENIED');
  });
});

test('a failure of ours is UNKNOWN and tells nothing', async () => {
  const repository = newRepository();
  const blob = randomBlob(10);
  await pushBlob(repository, blob);
  const [key] = await query('SELECT r2_key FROM blobs WHERE digest = ?1', blob.digest);
  await env.BUCKET.delete(String(key));
  const response = await call('GET', `/v2/${repository}/blobs/${blob.digest}`);
  expect(await response.clone().text()).not.toContain(String(key));
  await expectError(response, 500, 'UNKNOWN');
});

test('the clock starts the sweep', async () => {
  await env.BUCKET.put('blobs/old', 'x');
  await env.DB.exec("INSERT INTO trash (r2_key, delete_after) VALUES ('blobs/old', 0)");
  const context = createExecutionContext();
  await worker.scheduled(createScheduledController(), env);
  await waitOnExecutionContext(context);
  expect(await env.BUCKET.head('blobs/old')).toBeNull();
});
