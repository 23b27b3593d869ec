/** The audit log, and the explain call. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { ADMIN, call, metadata, newNamespace, newUser, user } from './api.ts';

const boss = user('boss');

beforeAll(async () => {
  await newUser('boss');
  await newUser('alice');
  await newNamespace('acme', { boss: 'admin', alice: 'developer' });
  await newNamespace('other');
});

describe('the audit log', () => {
  const read = (path: string, caller = ADMIN) => call(caller, 'GET', path);

  test('of a namespace has its entries only', async () => {
    const { json } = await read('/namespaces/acme/audit', boss);
    const events = json.entries.map(({ event }: { event: string }) => event);
    expect(events).toEqual(['namespace.create', 'member.set', 'member.set']);
    expect((await read('/namespaces/acme/audit?namespace=other', boss)).status).toBe(400);
  });

  test('of a namespace has nothing from before it was made', async () => {
    const old = { event: 'tag.set', namespace: 'other', target: 'of an earlier one' };
    await env.DB.prepare(
      'INSERT INTO audit (at, event, principal, namespace, target) VALUES (1, ?1, ?2, ?3, ?4)',
    )
      .bind(old.event, 'x', old.namespace, old.target)
      .run();
    const { text } = await read('/namespaces/other/audit?since=1970-01-01T00:00:00Z');
    expect(text).not.toContain(old.target);
    expect((await read('/audit?event=tag.set&namespace=other')).text).toContain(old.target);
  });

  test('is narrowed by what its query names', async () => {
    await metadata.audit.add(
      { principal: 'alice', address: null },
      { event: 'manifest.put', namespace: 'acme', repository: 'acme/app', target: 'sha256:x' },
    );
    const targets = async (query: string) =>
      (await read(`/namespaces/acme/audit?${query}`, boss)).json.entries.map(
        (entry: { target: string }) => entry.target,
      );
    expect(await targets('principal=alice')).toEqual(['sha256:x']);
    expect(await targets('repository=acme/app')).toEqual(['sha256:x']);
    expect(await targets('event=member.set')).toEqual(['boss', 'alice']);
    expect(await targets("event=member.set' OR 1=1 --")).toEqual([]);
    expect(await targets('since=2999-01-01T00:00:00%2B01:00')).toEqual([]);
  });

  test('is paged by id', async () => {
    const all = (await read('/audit')).json.entries;
    const first = (await read('/audit?limit=2')).json;
    expect(first.next).toBe(String(all[1].id));
    const rest = (await read(`/audit?after=${first.next}`)).json;
    expect([...first.entries, ...rest.entries]).toEqual(all);
    expect(rest.next).toBeUndefined();
  });

  test('comes as JSON lines, with a link to those that follow', async () => {
    const headers = { Accept: 'application/jsonl' };
    const all = (await read('/audit')).json.entries;
    const page = await call(ADMIN, 'GET', '/audit?limit=2&principal=admin', { headers });
    expect(page.headers.get('Content-Type')).toBe('application/jsonl');
    const lines = page.text.split('\n');
    expect(lines.slice(0, -1).map((line) => JSON.parse(line))).toEqual(all.slice(0, 2));
    expect(lines.at(-1)).toBe('');
    expect(page.headers.get('Link')).toBe(
      `</api/v1/audit?limit=2&principal=admin&after=${all[1].id}>; rel="next"`,
    );
    const whole = await call(ADMIN, 'GET', '/audit', { headers });
    expect(whole.headers.get('Link')).toBeNull();
  });

  test.each(['PUT', 'POST', 'PATCH', 'DELETE'])('%s: nothing alters it', async (method) => {
    expect((await call(ADMIN, method, '/audit', { body: {} })).status).toBe(405);
  });
});

describe('explain', () => {
  const ask = (caller: typeof ADMIN, body: object) =>
    call(caller, 'POST', '/explain', {
      body: { principal: 'alice', repository: 'acme/app', action: 'push', ...body },
    });

  test('names the rule', async () => {
    expect((await ask(boss, {})).json).toEqual({
      allowed: true,
      because: 'alice is developer of acme/**',
    });
    expect((await ask(boss, { action: 'delete' })).json).toMatchObject({
      allowed: false,
      because: expect.stringContaining('developer'),
    });
    expect((await ask(boss, { principal: 'anonymous' })).json.allowed).toBe(false);
    expect((await ask(boss, { principal: 'admin' })).json.allowed).toBe(true);
  });

  test('takes the address into account', async () => {
    await call(boss, 'PUT', '/namespaces/acme/network', {
      body: { push: { cidrs: ['10.0.0.0/8'] } },
    });
    expect((await ask(boss, { address: '10.1.1.1' })).json.allowed).toBe(true);
    expect((await ask(boss, { address: '192.0.2.1' })).json).toMatchObject({
      allowed: false,
      because: expect.stringContaining('192.0.2.1'),
    });
    expect((await ask(boss, { address: '10.1' })).status).toBe(400);
    await call(boss, 'PUT', '/namespaces/acme/network', { body: {} });
  });

  test('knows robots, with their limits and their end', async () => {
    await call(boss, 'POST', '/namespaces/acme/robots', {
      body: {
        name: 'ci',
        role: 'maintainer',
        grants: [{ repositories: 'acme/app', actions: ['push'] }],
      },
    });
    const robot = (change: object) => ask(boss, { principal: 'acme+ci', ...change });
    expect((await robot({})).json.allowed).toBe(true);
    expect((await robot({ repository: 'acme/web' })).json.allowed).toBe(false);
    await call(boss, 'PATCH', '/namespaces/acme/robots/ci', { body: { isDisabled: true } });
    expect((await robot({})).json.because).toBe('acme+ci is disabled');
    await env.DB.prepare("UPDATE credentials SET expires_at = 1 WHERE principal = 'acme+ci'").run();
    await call(boss, 'PATCH', '/namespaces/acme/robots/ci', { body: { isDisabled: false } });
    expect((await robot({})).json.because).toBe('the secret of acme+ci has expired');
  });

  test('is for those who administer the namespace', async () => {
    expect((await ask(user('alice'), {})).status).toBe(403);
    const foreign = await ask(boss, { repository: 'other/app' });
    const unknown = await ask(boss, { repository: 'not-there/app' });
    expect([foreign.status, foreign.text]).toEqual([404, unknown.text]);
    expect((await ask(user('boss', { limits: [[]] }), {})).status).toBe(403);
  });

  test('tells nothing of robots elsewhere', async () => {
    await call(ADMIN, 'POST', '/namespaces/other/robots', { body: { name: 'ci' } });
    const foreign = await ask(boss, { principal: 'other+ci' });
    const missing = await ask(boss, { principal: 'not-there+ci' });
    expect([foreign.status, foreign.text]).toEqual([404, missing.text]);
  });

  test.each([
    ['missing', 404],
    ['acme+missing', 404],
    ['oidc:issuer:sub', 400],
  ])('%s: %i', async (principal, status) => {
    expect((await ask(boss, { principal })).status).toBe(status);
  });
});
