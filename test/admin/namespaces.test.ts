/** Namespaces, their settings and their network rules. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Identity } from '../../src/auth/identity.ts';
import { ADMIN, audited, call, isGood, newNamespace, user } from './api.ts';
import { boss, developer, prepare } from './given.ts';

beforeAll(prepare);

async function newRobot(namespace: string, name: string, body: object = {}) {
  const path = `/namespaces/${namespace}/robots`;
  return (await call(ADMIN, 'POST', path, { body: { name, ...body } })).json;
}

describe('namespaces', () => {
  test('the setting says whether new ones are private', async () => {
    const make = async (name: string, newNamespaces: 'private' | 'public', body: object = {}) =>
      (
        await call(ADMIN, 'POST', '/namespaces', {
          body: { name, ...body },
          context: { newNamespaces },
        })
      ).json.isPublic;
    expect([
      await make('setting-a', 'private'),
      await make('setting-b', 'public'),
      await make('setting-c', 'public', { isPublic: false }),
    ]).toEqual([false, true, false]);
  });

  test.each(['a/b', 'A', '-a', 'a+b', '', '*', '..', 'x'.repeat(129)])(
    'the name "%s" is refused',
    async (name) => {
      expect((await call(ADMIN, 'POST', '/namespaces', { body: { name } })).status).toBe(400);
    },
  );

  test('a name is taken once', async () => {
    expect((await call(ADMIN, 'POST', '/namespaces', { body: { name: 'own' } })).status).toBe(409);
  });

  test('a list has those in which the caller has a role on the whole', async () => {
    await newNamespace('listed', { stranger: 'none', '*': 'reader' });
    await call(ADMIN, 'PATCH', '/namespaces/listed', { body: { isPublic: true } });
    await call(ADMIN, 'PUT', '/namespaces/other/members/stranger', {
      body: { role: 'admin', repositories: 'web/**' },
    });
    const names = async (caller: Identity) =>
      (await call(caller, 'GET', '/namespaces')).json.namespaces.map(
        ({ name, role }: { name: string; role: string }) => `${name}: ${role}`,
      );
    expect(await names(boss)).toEqual(['own: admin']);
    expect(await names(developer)).toEqual(['own: developer']);
    expect(await names(user('stranger'))).toEqual([]);
    expect(await names(ADMIN)).toContain('other: admin');
  });

  test('PATCH changes the fields that it names, and no others', async () => {
    await newNamespace('patched');
    const { json } = await call(ADMIN, 'PATCH', '/namespaces/patched', {
      body: { createsOnPush: false },
    });
    expect(json).toMatchObject({ isPublic: false, createsOnPush: false });
    const again = await call(ADMIN, 'PATCH', '/namespaces/patched', { body: { isPublic: true } });
    expect(again.json).toMatchObject({ isPublic: true, createsOnPush: false });
    expect((await call(ADMIN, 'GET', '/namespaces/patched')).json).toEqual(again.json);
    expect((await audited('namespace.update')).at(-1)).toMatchObject({
      namespace: 'patched',
      before: '{"isPublic":false,"createsOnPush":false,"restoreDays":14}',
      after: '{"isPublic":true}',
    });
  });

  test('one with repositories stays; an empty one goes with all that was given in it', async () => {
    await newNamespace('going', { developer: 'admin' });
    await newNamespace('staying');
    const robot = await newRobot('going', 'ci');
    await call(ADMIN, 'PUT', `/namespaces/staying/members/${robot.name}`, {
      body: { role: 'reader' },
    });
    await call(ADMIN, 'POST', '/namespaces/going/repositories', { body: { name: 'going/app' } });
    expect((await call(ADMIN, 'DELETE', '/namespaces/going')).status).toBe(409);
    expect(await isGood(robot.secret)).toBe(true);
    expect((await audited('namespace.delete')).length).toBe(0);

    await call(ADMIN, 'DELETE', '/namespaces/staying/members/going+ci');
    await newNamespace('gone', { developer: 'admin' });
    const second = await newRobot('gone', 'ci');
    await call(ADMIN, 'PUT', '/namespaces/staying/members/gone+ci', { body: { role: 'reader' } });
    expect((await call(ADMIN, 'DELETE', '/namespaces/gone')).status).toBe(204);
    expect(await isGood(second.secret)).toBe(false);
    expect((await call(ADMIN, 'GET', '/namespaces/staying/members')).json.members).toEqual([]);
    await newNamespace('gone');
    await newRobot('gone', 'ci');
    expect((await call(developer, 'GET', '/namespaces/gone')).status).toBe(404);
    expect(await isGood(second.secret)).toBe(false);
  });
});

describe('network rules', () => {
  const put = (body: object) => call(boss, 'PUT', '/namespaces/own/network', { body });

  test('are kept as they were sent, and replaced as a whole', async () => {
    const rules = {
      push: { cidrs: ['10.0.0.0/8', '::1'], countries: ['CH', 'T1'], asns: [64496] },
    };
    expect((await put(rules)).json).toEqual(rules);
    expect((await call(boss, 'GET', '/namespaces/own/network')).json).toEqual(rules);
    expect((await put({})).json).toEqual({});
    expect((await call(boss, 'GET', '/namespaces/own/network')).json).toEqual({});
  });

  test.each([
    { pull: { cidrs: ['10.0.0.0/33'] } },
    { pull: { cidrs: ['10.1'] } },
    { pull: { cidrs: ['0x7f.1'] } },
    { pull: { cidrs: ['fe80::1%eth0'] } },
    { pull: { cidrs: ['example.com'] } },
    { pull: { cidrs: [] } },
    { pull: { countries: ['ch'] } },
    { pull: { countries: ['CHE'] } },
    { pull: { asns: [0] } },
    { pull: { asns: [2 ** 32] } },
    { pull: { asns: ['64496'] } },
    { pull: { asns: Array.from({ length: 65 }, (_, place) => place + 1) } },
    { pull: { addresses: [] } },
    { delete: {} },
  ])('%j is refused', async (rules) => {
    expect((await put(rules)).status).toBe(400);
  });
});
