/** `edgewater push` when something goes wrong. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';
import { describe, expect, test } from 'vitest';
import type { EdgeOptions } from '../../../scripts/clients/edge.ts';
import { randomImage } from '../../support/images.ts';
import {
  AUTHORIZATION,
  expectPushed,
  folder,
  largeImage,
  MEBIBYTE,
  push,
  pushing,
  registry,
  repository,
} from './place.ts';
import { writeArchive, writeLayout } from './sources.ts';

describe('a push', () => {
  test('goes on through cuts, and renews its token when that is over', async () => {
    await writeLayout(join(folder, 'layout'), [largeImage()]);
    let cuts = 3;
    const refused = new Set<string | undefined>();
    const fault: EdgeOptions['fault'] = ({ method, range, headers: { authorization } }) => {
      if (method === 'PATCH' && range?.startsWith('0-') && cuts-- > 0) {
        return { kind: 'cut', after: 600_000 };
      }
      const isLast = method === 'PUT' && refused.size === 0;
      if (isLast) {
        refused.add(authorization);
      }
      const challenge = `Bearer realm="${registry.url}/token",service="other"`;
      return refused.has(authorization)
        ? { kind: 'answer', status: 401, headers: isLast ? {} : { 'WWW-Authenticate': challenge } }
        : null;
    };
    const run = await push([join(folder, 'layout'), `${repository}:v1`], { fault });
    await expectPushed(run, 'v1');
    expect(run.stderr).toContain('trying again');
    expect(refused.size).toBe(1);
  });

  test.each(['{}', '<html>', '{"token":7}'])(
    'to a registry that gives out %s for a token says so',
    async (body) => {
      await writeLayout(join(folder, 'layout'), [randomImage()]);
      const fault: EdgeOptions['fault'] = ({ path, headers: { host } }) => {
        const challenge = `Bearer realm="http://${host}/token",service="x"`;
        return path.startsWith('/token')
          ? { kind: 'answer', status: 200, body }
          : { kind: 'answer', status: 401, headers: { 'WWW-Authenticate': challenge } };
      };
      const { code, stderr } = await push([join(folder, 'layout'), repository], { fault });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^edgewater: http:\S+\/token should give out tokens.*\n$/);
    },
  );

  test('that is broken off leaves nothing behind, neither here nor there', async () => {
    await writeArchive(join(folder, 'archive'), 2.3 * MEBIBYTE);
    const file = join(folder, 'app.tar');
    await create({ cwd: join(folder, 'archive'), file }, ['.']);
    let session = '';
    const fault: EdgeOptions['fault'] = ({ method, path }) => {
      if (method === 'PATCH' && session === '') {
        session = path;
        pushing.kill('SIGINT');
      }
      return method === 'PATCH' ? { kind: 'delay', milliseconds: 300 } : null;
    };
    const { code, stderr } = await push([file, `${repository}:v1`], { fault });
    expect(code).toBe(1);
    expect(stderr).toContain('edgewater: broken off\n');
    const headers = { Authorization: AUTHORIZATION };
    const status = () => fetch(`${registry.url}${session}`, { headers }).then((it) => it.status);
    await expect.poll(status).toBe(404);
  });

  test.each<[string, string, RegExp]>([
    ['to no repository', 'UPPER/case', /has to be as acme\/app:latest/],
    ['to another registry', 'registry.example.com/a/b:c', /say --registry registry.example.com,/],
    ['to another port', 'localhost:1/a/b:c', /names localhost:1, and this goes to /],
  ])('%s is an error of usage', async (_what, target, message) => {
    const run = await push([folder, target]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(message);
  });

  test('to where nobody listens fails at once', async () => {
    const run = await push([folder, `${repository}:v1`, '--registry', 'http://127.0.0.1:1']);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^edgewater: .*nobody listens there.*\n$/);
  });

  test.each([
    ['manifest.json', '{}'],
    ['manifest.json', '[{"Config":1}]'],
    ['manifest.json', '[null]'],
    ['index.json', 'null'],
    ['index.json', '{"manifests":[null]}'],
    ['index.json', '{"manifests":{}}'],
  ])('of %s with %s says that it is damaged', async (name, content) => {
    await writeFile(join(folder, name), content);
    const run = await push([folder, `${repository}:v1`]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^edgewater: .*damaged.*\n$/);
  });

  test('of a folder that is no image says so', async () => {
    const run = await push([folder, `${repository}:v1`]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('neither an OCI layout nor what docker save writes');
  });
});
