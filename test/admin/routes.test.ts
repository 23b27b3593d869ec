/** The table, the document made of it, and one good call of each row. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/admin/routes.ts';
import { call as protocol, push } from '../support/client.ts';
import { randomImage } from '../support/images.ts';
import { query } from '../support/storage.ts';
import { ADDRESS, ADMIN, audited, call, user } from './api.ts';
import { EXAMPLES } from './examples.ts';

const names = ROUTES.map((row) => `${row.method} ${row.path.replace('/api/v1', '')}`);

/** They change nothing, or are a part of what has an entry. */
const ONLY_ANSWER = [
  '/explain',
  '/namespaces/:namespace/retention/preview',
  '/restore/missing',
  '/restore/tables/:table',
];

test('every row has an example', () => {
  const examples = EXAMPLES.map(({ method, route }) => `${method} ${route}`);
  expect([...new Set(examples)].sort()).toEqual([...names].sort());
});

describe('the OpenAPI document', () => {
  test('lists exactly the rows of the table', async () => {
    const { json } = await call(null, 'GET', '/openapi.json');
    const listed = Object.entries<Record<string, unknown>>(json.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(
        (method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
      ),
    );
    expect(listed.sort()).toEqual([...names].sort());
  });

  test('says what each operation takes and answers, under a name of its own', async () => {
    const { json } = await call(null, 'GET', '/openapi.json');
    const operations = Object.values<Record<string, { operationId: string }>>(json.paths).flatMap(
      (methods) => Object.values(methods),
    );
    expect(new Set(operations.map((operation) => operation.operationId)).size).toBe(ROUTES.length);
    expect(json.openapi).toBe('3.1.1');
    const password = json.paths['/me/password'].put;
    expect(password.requestBody.content['application/json'].schema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['current', 'password'],
    });
    expect(json.paths['/audit'].get.parameters).toContainEqual({
      name: 'limit',
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 1000, default: 1000 },
    });
    expect(json.paths['/openapi.json'].get.security).toEqual([]);
  });

  test('names every parameter of its paths, and refers to nothing that is not there', async () => {
    const { json, text } = await call(null, 'GET', '/openapi.json');
    for (const [path, methods] of Object.entries<Record<string, never>>(json.paths)) {
      const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), (match) => match[1]);
      for (const { parameters } of Object.values<{ parameters: { name: string; in: string }[] }>(
        methods,
      )) {
        const named = parameters.filter((parameter) => parameter.in === 'path');
        expect(named.map((parameter) => parameter.name)).toEqual(inPath);
      }
    }
    const references = Array.from(text.matchAll(/"\$ref":"([^"]+)"/g), (match) => match[1]);
    expect([...new Set(references)]).toEqual(['#/components/schemas/Problem']);
    expect(json.components.schemas.Problem.required).toContain('status');
  });
});

describe('one good call of each row', () => {
  const given: Record<string, string> = {};
  const alice = user('alice', { isAdmin: true });

  /** Pushes and deletes what the examples restore and purge. */
  async function prepareDeleted(repository: string): Promise<void> {
    const [old, deleted, bin] = [randomImage(), randomImage(), randomImage()];
    await push(repository, randomImage(), 'v1');
    await push(repository, deleted, 'gone');
    for (const { digest } of [old, bin]) {
      await push(repository, digest === old.digest ? old : bin);
    }
    for (const { digest } of [old, deleted, bin]) {
      await protocol('DELETE', `/v2/${repository}/manifests/${digest}`);
    }
    const [id] = await query('SELECT id FROM repositories WHERE name = ?1', repository);
    Object.assign(given, { old: old.digest, deleted: deleted.digest, repository: String(id) });
  }

  beforeAll(async () => {
    await env.BUCKET.put('blobs/example', 'an object');
  });

  test.each(EXAMPLES)('$method $route', async ({ method, route, path, body, event }) => {
    const filled = (path ?? route).replace(/\{(\w+)\}/, (_, name) => given[name] ?? '');
    const caller = route === '/me/password' ? alice : ADMIN;
    const before = event === undefined ? 0 : (await audited(event)).length;
    const answer = await call(caller, method, filled, { ...(body && { body }) });
    const row = ROUTES.find((entry) => entry.path === `/api/v1${route}` && entry.method === method);
    expect(answer.status, answer.text).toBe(row?.status);
    if (route === '/tokens' && method === 'POST') {
      given.token = answer.json.id;
    }
    if (route === '/transfers' && method === 'POST') {
      given.transfer = answer.json.id;
    }
    if (event === 'repository.create') {
      await prepareDeleted(body?.name as string);
    }
    if (route === '/backup/copies' && method === 'POST') {
      given.copy = answer.json.copy;
    }
    if (event !== undefined) {
      const entries = await audited(event);
      expect(entries.length).toBe(before + 1);
      expect(entries.at(-1)).toMatchObject({ principal: caller.principal, address: ADDRESS });
      expect(JSON.stringify(entries)).not.toMatch(/ew[prtf]_|correct horse|scrypt/);
    }
    if (method === 'GET') {
      const head = await call(caller, 'HEAD', filled);
      expect({ status: head.status, text: head.text }).toEqual({ status: 200, text: '' });
    }
  });

  test('rows that only read leave no entry in the audit log', () => {
    const changing = EXAMPLES.filter(
      ({ method, route }) => method !== 'GET' && !ONLY_ANSWER.includes(route),
    );
    expect(changing.filter(({ event }) => event === undefined)).toEqual([]);
  });
});
