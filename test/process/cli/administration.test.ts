/** Users, namespaces, and who may do what in them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { folder, newAdmin, nextNumber, Person, registry, SECRET, statusFor } from './place.ts';

const ALICE_PASSWORD = 'a password of alice';

describe('administration', () => {
  let admin: Person;
  let namespace: string;

  beforeEach(async () => {
    admin = newAdmin();
    namespace = `team-${nextNumber()}`;
    await admin.get('namespace', 'create', namespace);
  });

  test('users', async () => {
    const alice = `alice-${nextNumber()}`;
    const create = ['user', 'create', alice, '--password-stdin'];
    expect((await admin.run(create, 'short')).stderr).toMatch(/^edgewater: .*password.*\n$/);
    expect((await admin.run(create, ALICE_PASSWORD)).code).toBe(0);
    expect(await admin.get('user', 'list')).toMatch(new RegExp(`^${alice} +no +no `, 'm'));
    expect(await statusFor(alice, ALICE_PASSWORD)).toBe(200);
    await admin.get('user', 'disable', alice);
    expect(await statusFor(alice, ALICE_PASSWORD)).toBe(401);
    await admin.get('user', 'enable', alice);
    const another = 'another password';
    await admin.run(['user', 'set-password', alice, '--password-stdin'], another);
    expect(await statusFor(alice, another)).toBe(200);
    const person = new Person({ EDGEWATER_USER: alice, EDGEWATER_PASSWORD: another });
    const lines = `${another}\n${ALICE_PASSWORD}\n`;
    expect((await person.run(['password', '--password-stdin'], lines)).code).toBe(0);
    expect(await statusFor(alice, ALICE_PASSWORD)).toBe(200);
    await admin.get('user', 'delete', alice);
    expect(await admin.get('user', 'list')).not.toContain(alice);
  });

  test('namespaces', async () => {
    const { code, stderr } = await admin.run(['namespace', 'create', namespace]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'edgewater: Conflict: there is a namespace of that name\n',
    });
    await admin.get('namespace', 'set', namespace, '--public', '--explicit');
    const settings = { name: namespace, isPublic: true, createsOnPush: false };
    expect(await admin.json('namespace', 'show', namespace)).toMatchObject(settings);
    expect(await admin.json('namespace', 'list')).toContainEqual(expect.objectContaining(settings));
    await admin.get('namespace', 'delete', namespace);
    expect((await admin.run(['namespace', 'show', namespace])).code).toBe(1);
  });

  test('quotas and usage', async () => {
    const set = ['namespace', 'set', namespace];
    await admin.get(...set, '--quota', '1.5GB', '--quota-repositories', '1', '--explicit');
    await admin.get(...set, '--quota-warning', '90');
    await admin.get('repo', 'create', `${namespace}/app`);
    const usage = {
      level: 'full',
      warningPercent: 90,
      bytes: { used: 0, quota: 1_500_000_000, percent: 0 },
      repositories: { used: 1, quota: 1, percent: 100 },
    };
    const shown = { name: namespace, createsOnPush: false, usage };
    expect(await admin.json('namespace', 'show', namespace)).toMatchObject(shown);
    expect(await admin.json('usage')).toContainEqual(expect.objectContaining(shown));
    const { stdout, stderr } = await admin.run(['usage']);
    expect(stdout).toMatch(/ 0 B +1\.50 GB +0 +90 +1 of 1 +full$/m);
    expect(stderr).toContain(`${namespace} is full`);
    expect(await admin.get('namespace', 'show', namespace)).toMatch(/^warning from % +90$/m);
    expect(await admin.get('usage', namespace)).toMatch(new RegExp(`^${namespace}/app +0 B$`, 'm'));
    const totals = { bytes: 0, repositories: 1 };
    expect(await admin.json('usage', namespace, '--recount')).toEqual([
      { namespace, kept: totals, counted: totals },
    ]);
    const refused = await admin.run(['repo', 'create', `${namespace}/second`]);
    expect(refused.stderr).toContain('it uses 1 of 1 repositories; delete one, or ask');
    await admin.get(...set, '--quota', 'none', '--quota-repositories', 'none');
    expect(await admin.json('namespace', 'show', namespace)).toMatchObject({
      usage: { level: 'ok', bytes: { quota: null }, repositories: { quota: null } },
    });
    expect((await admin.run([...set, '--quota', '5 stones'])).code).toBe(2);
  });

  test('members, and the explanation of what they may do', async () => {
    const alice = `alice-${nextNumber()}`;
    await admin.run(['user', 'create', alice, '--password-stdin'], ALICE_PASSWORD);
    await admin.get('member', 'set', namespace, alice, 'developer');
    await admin.get('member', 'set', namespace, alice, 'reader', '--repositories', 'base/*');
    await admin.get('member', 'set', namespace, '*', 'reader');
    expect(await admin.json('member', 'list', namespace)).toEqual([
      { principal: '*', repositories: '**', role: 'reader' },
      { principal: alice, repositories: '**', role: 'developer' },
      { principal: alice, repositories: 'base/*', role: 'reader' },
    ]);
    const explain = (name: string) => admin.get('explain', alice, 'push', `${namespace}/${name}`);
    expect(await explain('app')).toMatch(/^allowed: /);
    expect(await explain('base/go')).toMatch(/^refused: /);
    await admin.get('member', 'remove', namespace, alice, '--repositories', 'base/*');
    expect(await explain('base/go')).toMatch(/^allowed: /);
  });

  test('robots', async () => {
    const name = `${namespace}+ci`;
    const create = ['robot', 'create', namespace, 'ci', '--role', 'developer'];
    const { stdout, stderr } = await admin.run([...create, '--expires-in-days', 'never']);
    expect(stdout).toMatch(SECRET);
    expect(stderr).toContain(name);
    expect(await statusFor(name, stdout.trim())).toBe(200);
    const robots = await admin.json('robot', 'list', namespace);
    expect(robots).toMatchObject([{ name, role: 'developer', expiresAt: null }]);
    const secret = await admin.get('robot', 'secret', namespace, 'ci');
    expect(await statusFor(name, stdout.trim())).toBe(401);
    expect(await statusFor(name, secret.trim())).toBe(200);
    await admin.get('robot', 'disable', namespace, 'ci');
    expect(await statusFor(name, secret.trim())).toBe(401);
    await admin.get('robot', 'enable', namespace, name);
    await admin.get('robot', 'delete', namespace, name);
    expect(await admin.json('robot', 'list', namespace)).toEqual([]);
  });

  test('trust rules', async () => {
    const allow = ['--allow', `pull,push:${namespace}/app`];
    await admin.get('trust', 'create', namespace, 'github', '--github', 'octo-org/app', ...allow);
    const claims = ['--claim', 'project_path=octo/app', '--claim', 'ref=main', '--claim', 'ref=v*'];
    const issuer = ['--issuer', 'https://gitlab.example', '--audience', 'edgewater'];
    await admin.get('trust', 'create', namespace, 'gitlab', ...issuer, ...claims, ...allow);
    expect(await admin.json('trust', 'list', namespace)).toMatchObject([
      {
        name: 'github',
        issuer: 'https://token.actions.githubusercontent.com',
        audience: registry.url,
        claims: { repository: ['octo-org/app'] },
        grants: [{ repositories: `${namespace}/app`, actions: ['pull', 'push'] }],
      },
      {
        name: 'gitlab',
        audience: 'edgewater',
        claims: { project_path: ['octo/app'], ref: ['main', 'v*'] },
      },
    ]);
    await admin.get('trust', 'delete', namespace, 'github');
    expect(await admin.json('trust', 'list', namespace)).toHaveLength(1);
    const open = await admin.run(['trust', 'create', namespace, 'any', ...issuer, ...allow]);
    expect(open).toMatchObject({ code: 2, stderr: expect.stringContaining('--claim') });
  });

  test('network rules', async () => {
    const cidrs = ['192.0.2.0/24', '2001:db8::/32'];
    const set = ['network', 'set', namespace];
    await admin.get(
      ...set,
      '--push-cidr',
      cidrs.join(),
      '--pull-country',
      'ch',
      '--pull-asn',
      '64496',
    );
    const rules = { pull: { countries: ['CH'], asns: [64496] }, push: { cidrs } };
    expect(await admin.json('network', 'show', namespace)).toEqual(rules);
    const file = join(folder, 'rules.json');
    await writeFile(file, JSON.stringify({ push: { cidrs } }));
    await admin.get(...set, '--file', file);
    expect(await admin.json('network', 'show', namespace)).toEqual({ push: { cidrs } });
    expect((await admin.run([...set, '--push-cidr', '300.0.0.0/8'])).code).toBe(1);
    expect((await admin.run(set)).code).toBe(2);
    await admin.get('network', 'clear', namespace);
    expect(await admin.json('network', 'show', namespace)).toEqual({});
  });
});
