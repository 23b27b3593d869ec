/** Robots of a namespace, and what becomes of their secrets. */
import { beforeAll, describe, expect, test } from 'vitest';
import { hashSecret } from '../../src/auth/secrets.ts';
import { ADMIN, call, isGood, metadata, user } from './api.ts';
import { boss, prepare } from './given.ts';

beforeAll(prepare);

async function newRobot(namespace: string, name: string, body: object = {}) {
  const path = `/namespaces/${namespace}/robots`;
  return (await call(ADMIN, 'POST', path, { body: { name, ...body } })).json;
}

describe('robots', () => {
  test('have a secret that is shown once, and rights by a role', async () => {
    const made = await newRobot('own', 'reader', {
      grants: [{ repositories: 'own/a', actions: ['pull'] }],
    });
    expect(made).toMatchObject({ name: 'own+reader', role: 'reader' });
    expect(made.secret).toMatch(/^ewr_/);
    const list = await call(boss, 'GET', '/namespaces/own/robots');
    expect(list.text).not.toContain('ewr_');
    expect(list.json.robots.find((robot: { name: string }) => robot.name === made.name)).toEqual({
      ...made,
      secret: undefined,
    });
  });

  test.each([
    [{}, null],
    [{ role: 'maintainer' }, 'maintainer'],
    [{ grants: [{ repositories: '**', actions: ['pull', 'push'] }] }, 'developer'],
    [{ grants: [{ repositories: '**', actions: ['delete'] }] }, 'maintainer'],
    [{ role: 'reader', grants: [{ repositories: '**', actions: ['push'] }] }, 'reader'],
  ])('made with %j have the role %s', async (body, role) => {
    const name = `role-${JSON.stringify(body).length}`;
    expect((await newRobot('own', name, body)).role).toBe(role);
  });

  test('a new secret keeps the limits, and the old one and what it made die', async () => {
    const grants = [{ repositories: 'own/x', actions: ['pull'] as const }];
    const made = await newRobot('own', 'rotated', { grants });
    const record = await metadata.credentials.logIn(hashSecret(made.secret), 'admin');
    const robot = user('own+rotated', {
      kind: 'robot',
      limits: [grants],
      credential: record?.id ?? null,
    });
    const temporary = await call(robot, 'POST', '/credentials', { body: {} });
    expect(await isGood(temporary.json.password)).toBe(true);
    const path = '/namespaces/own/robots/rotated/secret';
    const second = await call(boss, 'POST', path, { body: { expiresInDays: null } });
    expect(second.json).toMatchObject({ grants, expiresAt: null });
    const good = [made.secret, temporary.json.password, second.json.secret].map(isGood);
    expect(await Promise.all(good)).toEqual([false, false, true]);
    const after = await metadata.credentials.logIn(hashSecret(second.json.secret), 'admin');
    expect(JSON.parse(after?.limits ?? '')).toEqual([grants]);
  });

  test('a disabled one does not log in; a deleted one leaves nothing', async () => {
    const first = await newRobot('own', 'mortal', { role: 'developer' });
    const path = '/namespaces/own/robots/own+mortal';
    await call(boss, 'PATCH', path, { body: { isDisabled: true } });
    expect(await isGood(first.secret)).toBe(false);
    await call(boss, 'PATCH', path, { body: { isDisabled: false, description: 'back' } });
    expect(await isGood(first.secret)).toBe(true);
    expect((await call(boss, 'DELETE', path)).status).toBe(204);
    const second = await newRobot('own', 'mortal');
    expect([second.role, await isGood(first.secret)]).toEqual([null, false]);
  });

  test('a name is taken once, and not under another namespace', async () => {
    const first = await newRobot('own', 'unique');
    const again = await call(boss, 'POST', '/namespaces/own/robots', { body: { name: 'unique' } });
    expect([again.status, await isGood(first.secret)]).toEqual([409, true]);
    const outside = await call(boss, 'POST', '/namespaces/own/robots', {
      body: { name: 'other+intruder' },
    });
    expect(outside.status).toBe(400);
  });

  test.each(['other+target', 'target', '../other/robots/target'])(
    'one of another namespace cannot be reached as %s',
    async (name) => {
      const target = await metadata.robots.find('other', 'other+target');
      const secret = target === null ? (await newRobot('other', 'target')).secret : null;
      const path = `/namespaces/own/robots/${encodeURIComponent(name)}`;
      const answers = [
        await call(boss, 'PATCH', path, { body: { isDisabled: true } }),
        await call(boss, 'POST', `${path}/secret`, { body: {} }),
        await call(boss, 'DELETE', path),
      ];
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
      expect((await metadata.robots.find('other', 'other+target'))?.isDisabled).toBe(false);
      expect(secret === null || (await isGood(secret))).toBe(true);
    },
  );
});
