/** Who is logged in, with what, and what is kept of it. */
import { readFile, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ADMIN_PASSWORD, newAdmin, Person, registry, SECRET, statusFor } from './place.ts';

describe('login', () => {
  test('keeps a token, not the password, for its owner alone; logout revokes it', async () => {
    const admin = new Person();
    await admin.logIn('admin', `${ADMIN_PASSWORD}\n`);
    const kept = await readFile(admin.config, 'utf8');
    expect(kept).not.toContain(ADMIN_PASSWORD);
    expect((await stat(admin.config)).mode & 0o777).toBe(0o600);
    const { secret } = JSON.parse(kept).logins[registry.url];
    expect(await admin.json('whoami')).toMatchObject({ principal: 'admin', isAdmin: true });
    expect(await statusFor('admin', secret)).toBe(200);

    await admin.get('logout');
    expect(await statusFor('admin', secret)).toBe(401);
    expect(await readFile(admin.config, 'utf8')).not.toContain(secret);
    expect((await admin.run(['whoami'])).code).toBe(1);
  });

  test('a second one revokes the token of the first', async () => {
    const admin = new Person();
    await admin.logIn('admin', ADMIN_PASSWORD);
    const first = JSON.parse(await readFile(admin.config, 'utf8')).logins[registry.url].secret;
    await admin.logIn('admin', ADMIN_PASSWORD);
    expect(await statusFor('admin', first)).toBe(401);
    expect(await admin.json('whoami')).toMatchObject({ principal: 'admin' });
    await admin.get('logout');
  });

  test('a wrong password is refused in one line, and nothing is kept', async () => {
    const person = new Person();
    const login = ['login', '-u', 'nobody', '--password-stdin'];
    const { code, stdout, stderr } = await person.run(login, 'not the password');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe('edgewater: the user name or the password is not right\n');
    await expect(stat(person.config)).rejects.toThrow('ENOENT');
  });

  test('without a terminal it says how to give the password', async () => {
    const { code, stderr } = await new Person().run(['login', '-u', 'admin']);
    expect(code).toBe(2);
    expect(stderr).toContain('--password-stdin');
  });

  test('the login of one registry is not sent to another', async () => {
    const admin = new Person();
    await admin.logIn('admin', ADMIN_PASSWORD);
    const { url, headers, stop } = await listen(401);
    await admin.run(['whoami', '--registry', url]);
    await stop();
    expect(headers).toEqual([undefined]);
    await admin.get('logout');
  });

  test('an open registry needs none', async () => {
    const { url, stop } = await listen(200);
    const { code, stdout } = await new Person().run(['login', '--registry', url]);
    await stop();
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('is open') });
  });

  test('passwords do not leave the machine in the clear', async () => {
    const admin = newAdmin();
    const { code, stderr } = await admin.run(['whoami', '--registry', 'http://192.0.2.1']);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('https') });
  });
});

/** A server that answers everything with one status and notes who asked. */
async function listen(status: number) {
  const headers: (string | undefined)[] = [];
  const server: Server = createServer((request, response) => {
    headers.push(request.headers.authorization);
    response.writeHead(status, { 'Content-Type': 'application/problem+json' }).end('{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const stop = () => new Promise((done) => server.close(done));
  return { url: `http://127.0.0.1:${port}`, headers, stop };
}

describe('secrets', () => {
  test('a credential is alone on standard output, and logs in to /v2', async () => {
    const admin = newAdmin();
    const options = ['--minutes', '5', '--allow', 'pull:acme/**', '--allow', 'push:acme/app'];
    const { code, stdout, stderr } = await admin.run(['credential', ...options]);
    expect(code).toBe(0);
    expect(stdout).toMatch(SECRET);
    expect(stderr).toContain('admin');
    expect(await statusFor('admin', stdout.trim(), '/v2/')).toBe(200);
    const limited = new Person({ EDGEWATER_USER: 'admin', EDGEWATER_PASSWORD: stdout.trim() });
    expect((await limited.run(['user', 'list'])).code).toBe(1);
    expect(await admin.json('credential')).toEqual({
      username: 'admin',
      password: expect.stringMatching(/^ewt_/),
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect((await admin.run(['credential', '--allow', 'admin:acme/**'])).code).toBe(2);
  });

  test('a token that is made with the password outlives the login', async () => {
    const admin = new Person();
    await admin.logIn('admin', ADMIN_PASSWORD);
    const bound = (await admin.get('token', 'create', 'bound')).trim();
    const create = ['token', 'create', 'own', '--password-stdin', '--allow', 'pull:acme/**'];
    const own = (await admin.run([...create], ADMIN_PASSWORD)).stdout.trim();
    const tokens = (await admin.json('token', 'list')) as { id: string; name: string }[];
    await admin.get('logout');
    expect(await statusFor('admin', bound)).toBe(401);
    expect(await statusFor('admin', own)).toBe(200);
    const { id = '' } = tokens.find(({ name }) => name === 'own') ?? {};
    await newAdmin().get('token', 'revoke', id);
    expect(await statusFor('admin', own)).toBe(401);
  });
});
