/** Is the Worker up, and does everything that it is made of answer? */
import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import worker from '../../src/index.ts';
import { createNamespace, createRobot, createUser } from '../support/accounts.ts';
import { call, expectError, useRegistry } from '../support/client.ts';
import { ADMIN, basic, closedEnv, REGISTRY } from '../support/closed.ts';
import { countDuring, countedObjects } from '../support/counting.ts';
import { breakable, type Service, withoutService } from '../support/outage.ts';
import { bearer } from '../support/tokens.ts';

const bindings = closedEnv({
  UPLOADS: breakable('upload sessions', countedObjects(env.UPLOADS)),
  THROTTLE: breakable('login throttles', env.THROTTLE),
});
let changes = {};
useRegistry(REGISTRY, (request) => worker.fetch(request as never, { ...bindings, ...changes }));

afterEach(() => {
  changes = {};
});

let monitor: { Authorization: string };

beforeAll(async () => {
  await createNamespace('monitoring');
  monitor = (await createRobot('monitoring', 'probe', 'none')).headers;
});

const ready = (headers: Record<string, string> = monitor) => call('GET', '/readyz', { headers });

interface Readiness {
  status: string;
  checks: Record<string, { status: string; milliseconds: number }>;
}

describe('/healthz', () => {
  test('is 200 for everybody, asks nothing, and is not logged', async () => {
    const log = vi.spyOn(console, 'log');
    changes = { LOG: 'text', ADMIN_PASSWORD: undefined }; // not even set up
    const counts = await countDuring(async () => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await call(method, '/healthz');
        expect(answer.status).toBe(200);
        expect(await answer.text()).toBe(method === 'GET' ? '{"status":"ok"}' : '');
      }
    });
    expect(Object.values(counts).every((count) => count === 0)).toBe(true);
    expect(log).not.toHaveBeenCalled();
    await expectError(await call('POST', '/healthz'), 405, 'UNSUPPORTED');
    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
  });

  test.each<Service>(['D1', 'R2', 'upload sessions', 'login throttles'])(
    'is 200 without %s',
    async (service) => {
      expect((await withoutService(service, () => call('GET', '/healthz'))).status).toBe(200);
    },
  );
});

describe('/readyz', () => {
  test('says of each part that it answers, and in what time', async () => {
    const answer = await ready();
    expect(answer.status).toBe(200);
    const { status, checks } = await answer.json<Readiness>();
    expect(status).toBe('ok');
    expect(Object.keys(checks)).toEqual([
      'database',
      'bucket',
      'uploadSessions',
      'loginThrottles',
      'edgeCache',
    ]);
    for (const check of Object.values(checks)) {
      expect(check).toEqual({ status: 'ok', milliseconds: expect.any(Number) });
    }
  });

  test.each<[Service, string]>([
    ['R2', 'bucket'],
    ['upload sessions', 'uploadSessions'],
    ['login throttles', 'loginThrottles'],
  ])('is 503 without %s, and names it', async (service, part) => {
    const answer = await withoutService(service, () => ready());
    expect(answer.status).toBe(503);
    expect(answer.headers.get('Retry-After')).toBe('1');
    const { status, checks } = await answer.json<Readiness>();
    expect(status).toBe('unavailable');
    const failed = Object.keys(checks).filter((name) => checks[name]?.status === 'failed');
    expect(failed).toEqual([part]);
    expect((await ready()).status).toBe(200);
  });

  test('is 503 without D1, where a robot cannot log in', async () => {
    await expectError(await withoutService('D1', () => ready()), 503, 'UNAVAILABLE');
    const answer = await withoutService('D1', () => ready(ADMIN)); // whom the secret lets in
    expect(answer.status).toBe(503);
    expect((await answer.json<Readiness>()).checks.database?.status).toBe('failed');
  });

  test('is 503 while a migration is missing', async () => {
    await env.DB.prepare('ALTER TABLE d1_migrations RENAME TO later').run();
    await env.DB.prepare('CREATE TABLE d1_migrations AS SELECT * FROM later LIMIT 2').run();
    const answer = await ready();
    await env.DB.prepare('DROP TABLE d1_migrations').run();
    await env.DB.prepare('ALTER TABLE later RENAME TO d1_migrations').run();
    expect(answer.status).toBe(503);
    expect((await answer.json<Readiness>()).checks.database?.status).toBe('failed');
    expect((await ready()).status).toBe(200);
  });

  test('says "timeout" of a part that hangs, and of the others what they are', async () => {
    const never = { head: () => new Promise(() => {}) };
    changes = { BUCKET: never };
    const answer = await ready();
    expect(answer.status).toBe(503);
    const { checks } = await answer.json<Readiness>();
    expect([checks.bucket?.status, checks.database?.status]).toEqual(['timeout', 'ok']);
  });

  test('takes a login of one’s own, with whatever rights', async () => {
    const limited = await createUser('limited', {
      limits: [[{ repositories: 'nothing', actions: ['pull'] }]],
    });
    expect((await ready(limited.headers)).status).toBe(200);
    const refused = [{}, basic('admin', 'wrong'), await bearer('repository:a/b:pull', monitor)];
    for (const headers of refused) {
      const answer = await ready(headers as Record<string, string>);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('WWW-Authenticate')).not.toBeNull();
    }
  });

  test('is for everybody where the registry is open', async () => {
    changes = { OPEN: 'true' };
    const answer = await ready({});
    expect(answer.status).toBe(200);
  });
});
