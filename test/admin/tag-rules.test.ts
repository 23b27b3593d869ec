/** Rules that make tags immutable, by the API; what they do is in test/lifecycle. */
import { beforeAll, describe, expect, test } from 'vitest';
import { audited, call } from './api.ts';
import { boss, prepare } from './given.ts';

beforeAll(prepare);

const PATH = '/namespaces/own/tag-rules';
const put = (body: object) => call(boss, 'PUT', PATH, { body });

test('rules are set, changed, listed and removed', async () => {
  await put({ immutable: ['v1'] });
  await put({ immutable: ['*'], except: ['latest', 'dev-*'] });
  await put({ repository: 'own/app', immutable: [] });
  await put({ repository: 'own', immutable: ['v*'] });
  const first = await call(boss, 'GET', `${PATH}?limit=1`);
  expect(first.json.rules).toEqual([
    { repository: null, immutable: ['*'], except: ['latest', 'dev-*'] },
  ]);
  const rest = await call(boss, 'GET', `${PATH}?after=${encodeURIComponent(first.json.next)}`);
  expect(rest.json).toEqual({
    rules: [
      { repository: 'own', immutable: ['v*'], except: [] },
      { repository: 'own/app', immutable: [], except: [] },
    ],
  });
  const statuses = [];
  for (const query of ['', '', '?repository=own/app', '?repository=own/app', '?repository=own']) {
    statuses.push((await call(boss, 'DELETE', `${PATH}${query}`)).status);
  }
  expect(statuses).toEqual([204, 404, 204, 404, 204]);
  expect(await audited('tag-rule.set')).toMatchObject([
    { target: 'own', repository: null, before: null },
    { target: 'own', before: '{"immutable":["v1"],"except":[]}' },
    { target: 'own/app', repository: 'own/app', after: '{"immutable":[],"except":[]}' },
    { target: 'own', repository: 'own' },
  ]);
  expect(await audited('tag-rule.remove')).toHaveLength(3);
});

describe('what is refused', () => {
  test.each<[string, object, RegExp]>([
    ['no globs for a namespace', { immutable: [] }, /DELETE removes/],
    ['nothing is left', { immutable: ['v*'], except: ['v*'] }, /nothing would be/],
    ['all is excepted', { immutable: ['v*'], except: ['*'] }, /nothing would be/],
    ['another wildcard', { immutable: ['v[0-9]'] }, /characters of tags/],
    ['a glob that D1 does not take', { immutable: ['*'.repeat(51)] }, /50 characters/],
    ['an unknown field', { immutable: ['*'], tags: [] }, /"tags"/],
    ['another namespace', { repository: 'other/app', immutable: ['*'] }, /begin with "own\/"/],
    ['what is no name', { repository: 'Own/App', immutable: ['*'] }, /lower-case/],
  ])('%s', async (_, body, message) => {
    const { status, json } = await put(body);
    expect(status).toBe(400);
    const details = json.errors?.map(({ detail }: { detail: string }) => detail) ?? [json.detail];
    expect(details.join()).toMatch(message);
  });
});
