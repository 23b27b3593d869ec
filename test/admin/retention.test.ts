/** Retention policies by the API: what is taken, what is refused and why, and previews. */
import { beforeAll, describe, expect, test } from 'vitest';
import { push } from '../support/client.ts';
import { randomImage } from '../support/images.ts';
import { ADMIN, audited, call } from './api.ts';
import { boss, prepare } from './given.ts';

beforeAll(prepare);

const PATH = '/namespaces/own/retention';
const put = (body: unknown) => call(boss, 'PUT', PATH, { body });
const preview = (body: object, query = '') =>
  call(boss, 'POST', `${PATH}/preview${query}`, { body });

const DELETE_ALL = [{ action: 'delete' }];

test('a policy is set, shown, changed and removed', async () => {
  expect((await call(boss, 'GET', PATH)).status).toBe(404);
  const before = Date.now();
  const first = await put({ rules: [{ action: 'keep', lastPushed: 3 }, ...DELETE_ALL] });
  expect(first.json).toEqual({
    isEnabled: true,
    everyHours: 24,
    rules: [
      { action: 'keep', repositories: '**', include: ['*'], exclude: [], lastPushed: 3 },
      { action: 'delete', repositories: '**', include: ['*'], exclude: [] },
    ],
    nextRunAt: expect.any(String),
    lastRunAt: null,
  });
  const hours = (Date.parse(first.json.nextRunAt) - before) / 3_600_000;
  expect(Math.round(hours)).toBe(24);
  expect((await call(boss, 'GET', PATH)).json).toEqual(first.json);
  await put({ isEnabled: false, rules: DELETE_ALL });
  expect((await call(boss, 'GET', PATH)).json).toMatchObject({ isEnabled: false, nextRunAt: null });
  const statuses = [];
  for (let round = 0; round < 2; round++) {
    statuses.push((await call(boss, 'DELETE', PATH)).status);
  }
  expect(statuses).toEqual([204, 404]);
  expect(await audited('retention.set')).toMatchObject([
    { principal: 'boss', namespace: 'own', before: null, after: expect.stringContaining('keep') },
    {
      before: expect.stringContaining('keep'),
      after: expect.stringContaining('"isEnabled":false'),
    },
  ]);
});

describe('what cannot be meant is refused, in words', () => {
  const keepAll = { action: 'keep', name: 'mine' };
  test.each<[string, unknown[], string, RegExp]>([
    ['no rules', [], '#/rules', /at least one rule/],
    ['an action that is none', [{ action: 'drop' }], '#/rules/0/action', /"keep", "delete" or/],
    ['a misspelt field', [{ action: 'delete', olderThan: 3 }], '#/rules/0', /"olderThan"/],
    [
      'only rules to keep',
      [{ action: 'keep', lastPushed: 3 }],
      '#/rules',
      /nothing would be deleted/,
    ],
    ['a delete that never comes to it', [keepAll, ...DELETE_ALL], '#/rules/1', /mine keeps all/],
    ['all excluded', [{ action: 'delete', exclude: ['*'] }], '#/rules/0', /matches no tag/],
    [
      'a rule that is never reached',
      [
        { action: 'untagged', olderThanDays: 3 },
        { action: 'untagged', repositories: 'web/*', olderThanDays: null },
      ],
      '#/rules/1',
      /rule 1 stands before it/,
    ],
    [
      'two rules of one name',
      [
        { action: 'delete', name: 'x' },
        { action: 'delete', name: 'x', include: ['v*'] },
      ],
      '#/rules/1',
      /rule 1 has the name/,
    ],
    [
      'half a day',
      [{ action: 'delete', pushedBeforeDays: 0.5 }],
      '#/rules/0/pushedBeforeDays',
      /whole/,
    ],
    [
      'no days',
      [{ action: 'delete', pushedBeforeDays: 0 }],
      '#/rules/0/pushedBeforeDays',
      /one day/,
    ],
    [
      'to keep none',
      [{ action: 'keep', lastPushed: 0 }],
      '#/rules/0/lastPushed',
      /leave the rule out/,
    ],
    ['no days given', [{ action: 'untagged' }], '#/rules/0/olderThanDays', /or null for ever/],
    [
      'another wildcard',
      [{ action: 'delete', include: ['v?'] }],
      '#/rules/0/include/0',
      /\* for any/,
    ],
    ['a long glob', [{ action: 'delete', include: ['a'.repeat(51)] }], '#/rules/0/include/0', /50/],
    ['too many rules', Array(21).fill({ action: 'delete' }), '#/rules', /at most 20/],
  ])('%s', async (_, rules, pointer, detail) => {
    for (const answer of [await put({ rules }), await preview({ rules })]) {
      expect(answer.status).toBe(400);
      const found = answer.json.errors.find(
        (error: { pointer: string }) => error.pointer === pointer,
      );
      expect(found?.detail, answer.text).toMatch(detail);
    }
  });

  test('what keeps and deletes different things is taken', async () => {
    const rules = [
      { action: 'keep', exclude: ['dev-*'] },
      { action: 'keep', repositories: 'web/*' },
      { action: 'delete' },
      { action: 'untagged', repositories: 'web/*', olderThanDays: null },
      { action: 'untagged', olderThanDays: 3 },
    ];
    expect((await put({ rules })).status).toBe(200);
  });
});

describe('a preview', () => {
  beforeAll(async () => {
    await push('own/a', randomImage(), 'v1');
    for (const tag of ['v1', 'v2', 'v3']) {
      await push('own/app', randomImage(), tag);
    }
    await push('own/app.web', randomImage(), 'latest');
    await call(ADMIN, 'PUT', '/namespaces/own/tag-rules', {
      body: { repository: 'own/app', immutable: ['v1'] },
    });
  });

  const rules = [
    { action: 'keep', name: 'newest', repositories: 'app', include: ['v3'] },
    { action: 'delete', include: ['v*'] },
  ];

  const told = [
    ['own/a', 'v1', 'delete', 'rule 2'],
    ['own/app', 'v1', 'immutable', 'rule 2'],
    ['own/app', 'v2', 'delete', 'rule 2'],
    ['own/app', 'v3', 'keep', 'newest'],
    ['own/app.web', 'latest', 'untouched', null],
  ];

  const toRow = ({ repository, tag, decision, rule }: Record<string, unknown>) => [
    repository,
    tag,
    decision,
    rule,
  ];

  test('of given rules says what would become of each tag, and changes nothing', async () => {
    const { json } = await preview({ rules });
    expect(json.tags.map(toRow)).toEqual(told);
    expect(json.tags[0]).toMatchObject({
      digest: expect.stringMatching(/^sha256:/),
      pulledAt: null,
    });
    expect((await preview({ rules })).json).toEqual(json);
  });

  test.each([1, 2, 3, 5])('has pages of %i that go on where the last one ended', async (limit) => {
    const rows: unknown[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const query: string = `?limit=${limit}&after=${encodeURIComponent(after)}`;
      const { json } = await preview({ rules }, query);
      expect(json.tags.length).toBeLessThanOrEqual(limit);
      rows.push(...json.tags.map(toRow));
      after = json.next;
    }
    expect(rows).toEqual(told);
  });

  test('of the policy that is set is what a run does', async () => {
    await put({ rules });
    const { json } = await preview({});
    expect(json.tags.map(toRow)).toEqual(told);
    const run = await call(boss, 'POST', `${PATH}/run`, { body: {} });
    expect(run.json).toEqual({ repositories: 3, deletedTags: 2, skipped: [], isDone: true });
    expect((await preview({})).json.tags.map(toRow)).toEqual(
      told.filter(([, , decision]) => decision !== 'delete'),
    );
    expect((await call(boss, 'GET', PATH)).json.lastRunAt).toEqual(expect.any(String));
  });

  test('is there without a policy, a run is not; nor of a disabled one', async () => {
    await call(boss, 'DELETE', PATH);
    expect((await preview({ rules })).status).toBe(200);
    expect((await preview({})).status).toBe(404);
    const run = () => call(boss, 'POST', `${PATH}/run`, { body: {} });
    expect((await run()).status).toBe(404);
    await put({ rules, isEnabled: false });
    const refused = await run();
    expect(refused.status).toBe(400);
    expect(refused.json.detail).toMatch(/disabled: enable it/);
  });
});
