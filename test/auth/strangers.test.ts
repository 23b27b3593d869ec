/**
 * Every row of the router, with each method and each way to ask: to those who may not read it a
 * private repository is one that is not there. The rows come from the table, so a new one is asked too.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/router.ts';
import { createCredential, createNamespace, createUser, setRole } from '../support/accounts.ts';
import { bytesOf, call, type HeaderMap, push, startUpload } from '../support/client.ts';
import { useClosedRegistry } from '../support/closed.ts';
import { artifactOf, OCI_MANIFEST, randomBlob, randomImage } from '../support/images.ts';
import { bearer } from '../support/tokens.ts';

const SECRET = 'hidden/launch-codes';
const UNKNOWN = 'hidden/not-there-at';
const ELSEWHERE = 'nowhere/not-there'; // as long as the others, in a namespace that is not there

const image = randomImage({ annotations: { 'org.example.word': 'SECRETWORD' } });
const referrer = artifactOf('application/vnd.example.hidden', image);
const [layer = randomBlob(1)] = image.blobs;
let session = '';

const strangers: Record<string, HeaderMap> = { nobody: {} };

beforeAll(async () => {
  await push(SECRET, image, 'tag-of-it');
  await push(SECRET, referrer);
  session = (await startUpload(SECRET)).split('/').at(-1) ?? '';
  useClosedRegistry();
  await createNamespace('stranger');
  const user = await createUser('str-user');
  await setRole('stranger', user.principal, 'admin');
  strangers['admin of another namespace'] = user.headers;
  const partial = await createUser('str-partial');
  await setRole('hidden', partial.principal, 'maintainer', 'open/**');
  strangers['maintainer of other repositories'] = partial.headers;
  const none = await createUser('str-none');
  await setRole('hidden', none.principal, 'admin');
  await setRole('hidden', none.principal, 'none', 'launch-codes');
  await setRole('hidden', none.principal, 'none', 'not-there-at');
  strangers['admin with an exception'] = none.headers;
  const owner = await createUser('str-owner');
  await setRole('hidden', owner.principal, 'admin');
  const limits = [[{ repositories: 'hidden/open/**', actions: ['pull' as const] }]];
  strangers['limited token of an admin'] = (
    await createCredential(owner.principal, 'personal', limits)
  ).headers;
});

/** What stands for the last parameter of a path, and headers to ask with. */
const VARIANTS: { param?: string; query?: string; headers?: HeaderMap; body?: string }[] = [
  { param: image.digest },
  { param: referrer.digest },
  { param: layer.digest },
  { param: 'tag-of-it' },
  { param: 'not a tag' },
  { param: 'sha256:short' },
  { query: 'n=0' },
  { query: 'n=x' },
  { query: 'n=1&last=a' },
  { param: image.digest, query: 'artifactType=application/vnd.example.hidden' },
  { param: layer.digest, headers: { Range: 'bytes=0-0' } },
  { param: layer.digest, headers: { Range: 'bytes=99999-' } },
  { param: layer.digest, headers: { 'If-None-Match': `"${layer.digest}"` } },
  { param: 'tag-of-it', headers: { 'If-Match': `"${image.digest}"` } },
  { param: 'tag-of-it', headers: { Accept: 'text/plain', 'X-Forwarded-For': '127.0.0.1' } },
  { query: `mount=${layer.digest}&from=${SECRET}` },
  { query: `digest=${layer.digest}`, body: 'x' },
  { param: 'tag-of-it', body: '{}', headers: { 'Content-Type': OCI_MANIFEST } },
];

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const paths = [...new Set(ROUTES.map(({ path }) => path))];
const NAMES = /launch-codes|tag-of-it|SECRETWORD|vnd\.example\.hidden/;

function fill(path: string, repository: string, param: string): string {
  return path.replace(':name+', repository).replace(':param', encodeURIComponent(param));
}

/** All that an answer tells, with one name for every repository. */
async function toldBy(response: Response): Promise<string> {
  const text = new TextDecoder().decode(await bytesOf(response));
  const told = JSON.stringify([response.status, [...response.headers], text]);
  return told.replaceAll(UNKNOWN, SECRET).replaceAll(ELSEWHERE, SECRET);
}

const inRepositories = paths.filter((path) => path.includes(':name+'));

describe.each(inRepositories)('%s', (path) => {
  test.each(METHODS)('%s tells strangers nothing', async (method) => {
    for (const [who, login] of Object.entries(strangers)) {
      for (const { param, query, headers, body } of VARIANTS) {
        if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
          continue;
        }
        const answers = [];
        for (const repository of [SECRET, UNKNOWN, ELSEWHERE]) {
          const last = param ?? (path.includes('uploads') ? session : 'tag-of-it');
          const target = fill(path, repository, last) + (query ? `?${query}` : '');
          const response = await call(method, target, {
            headers: { ...headers, ...login },
            ...(body !== undefined && { body }),
          });
          expect(response.status, `${who}: ${target}`).toBeLessThan(500);
          answers.push(await toldBy(response));
        }
        expect(answers[1], `${who}: ${JSON.stringify({ param, query })}`).toBe(answers[0]);
        expect(answers[2], `${who}: ${JSON.stringify({ param, query })}`).toBe(answers[0]);
        expect(JSON.parse(answers[0] ?? '')[0]).toBeOneOf([401, 405]);
      }
    }
  });
});

describe('what is not of one repository', () => {
  const rest = paths.filter((path) => !path.includes(':name+'));

  test.each(rest)('%s has no name of it', async (path) => {
    for (const login of Object.values(strangers)) {
      const token = await bearer(`repository:${SECRET}:pull registry:catalog:*`, login);
      for (const headers of [login, token]) {
        for (const query of ['', '?n=1000', '?q=launch', '?q=', '?last=hidden/l', '?q=%25']) {
          for (const method of METHODS) {
            const response = await call(method, path + query, { headers });
            expect(await toldBy(response)).not.toMatch(NAMES);
          }
        }
      }
    }
  });

  test.each([
    '/namespaces',
    '/namespaces/hidden',
    '/namespaces/hidden/repositories',
    '/namespaces/hidden/audit',
    '/namespaces/hidden/members',
    '/audit',
    '/audit?repository=hidden/launch-codes',
  ])('/api/v1%s has no name of it', async (path) => {
    for (const [who, headers] of Object.entries(strangers)) {
      const response = await call('GET', `/api/v1${path}`, { headers });
      if (who !== 'admin with an exception') {
        expect(await response.text()).not.toMatch(NAMES);
      }
    }
  });

  test('a token says of it that there is nothing', async () => {
    for (const [who, login] of Object.entries(strangers)) {
      const ask = async (repository: string) => {
        const path = `/token?scope=repository:${repository}:pull,push,delete`;
        const { scope } = (await (await call('GET', path, { headers: login })).json()) as {
          scope: string;
        };
        return scope;
      };
      expect([await ask(SECRET), await ask(UNKNOWN)], who).toEqual(['', '']);
    }
  });
});
