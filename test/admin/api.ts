/** Calls the API as somebody. Every answer has to be what the table and RFC 9457 say. */
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { type ApiContext, createApi } from '../../src/admin/router.ts';
import { ROUTES } from '../../src/admin/routes.ts';
import { ANONYMOUS, type Identity } from '../../src/auth/identity.ts';
import { hashSecret } from '../../src/auth/secrets.ts';
import { UpstreamGates } from '../../src/upstream/gates.ts';
import { newStores } from '../support/storage.ts';

export const stores = newStores();
export const { metadata } = stores;
export const PASSWORD = 'correct horse battery';
export const ADDRESS = '192.0.2.7';

const api = createApi();

/** A user as a login would make them. */
export function user(principal: string, changes: Partial<Identity> = {}): Identity {
  return { ...ANONYMOUS, principal, kind: 'user', ...changes };
}

export const ADMIN = user('admin', { isAdmin: true });

export interface Sent {
  body?: unknown; // sent as JSON
  headers?: Record<string, string>;
  context?: Partial<ApiContext>;
}

/** The parts of an answer that tests look at. */
export interface Received {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it expects to be in there
  json: any;
}

/** One request; `path` is what stands behind /api/v1. */
export function call(
  caller: Identity | null,
  method: string,
  path: string,
  { body, headers, context }: Sent = {},
): Promise<Received> {
  return send(
    caller,
    new Request(`https://registry.test/api/v1${path}`, {
      method,
      headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
    context,
  );
}

/** One request as it is. */
export async function send(
  caller: Identity | null,
  request: Request,
  changes: Partial<ApiContext> = {},
): Promise<Received> {
  const response = await api(request, {
    metadata,
    stores,
    identity: caller,
    actor: { principal: caller?.principal ?? 'anonymous', address: ADDRESS },
    origin: { address: ADDRESS, country: null, asn: null },
    newNamespaces: 'private',
    allowsLocalIssuers: false,
    startTransfer: async () => {},
    gates: new UpstreamGates(env.GATES),
    upstreamRules: {
      adminPassword: 'a password for tests',
      allowsAnonymousHub: false,
      allowsPrivate: false,
    },
    ...changes,
  });
  const text = new TextDecoder().decode(await response.arrayBuffer());
  const type = response.headers.get('Content-Type') ?? '';
  const json = /json$/.test(type) && text !== '' ? JSON.parse(text) : null;
  const { status, headers } = response;
  expect(headers.get('Cache-Control')).toBe('no-store');
  expect(status).toBeLessThan(500);
  if (status >= 400 && request.method !== 'HEAD') {
    expect(type).toBe('application/problem+json');
    expect(json).toMatchObject({ type: 'about:blank', status });
    expect(json.detail).toMatch(/\w/);
  }
  if (status < 300 && json !== null) {
    const path = new URL(request.url).pathname;
    const row = ROUTES.find((row) => row.method === request.method && matches(row.path, path));
    expect(status).toBe(row?.status);
    row?.answer?.parse(json); // strict: a field too many is a failure
  }
  return { status, headers, text, json };
}

function matches(pattern: string, path: string): boolean {
  return new RegExp(`^${pattern.replace(/:\w+/g, '[^/]+')}$`).test(path);
}

/** Makes a user, and a login of theirs. */
export async function newUser(name: string): Promise<Identity> {
  const answer = await call(ADMIN, 'POST', '/users', { body: { name, password: PASSWORD } });
  expect(answer.status, answer.text).toBe(201);
  return user(name);
}

/** Makes a namespace with members: roles by name. */
export async function newNamespace(
  name: string,
  members: Record<string, string> = {},
): Promise<void> {
  const answer = await call(ADMIN, 'POST', '/namespaces', { body: { name } });
  expect(answer.status, answer.text).toBe(201);
  for (const [principal, role] of Object.entries(members)) {
    const path = `/namespaces/${name}/members/${principal}`;
    expect((await call(ADMIN, 'PUT', path, { body: { role } })).status).toBe(200);
  }
}

/** The entries of the audit log that an event made, the newest last. */
export async function audited(event: string): Promise<Received['json'][]> {
  const { json } = await call(ADMIN, 'GET', `/audit?event=${event}`);
  return json.entries;
}

/** Whether a secret logs somebody in. */
export async function isGood(secret: string): Promise<boolean> {
  return (await metadata.credentials.logIn(hashSecret(secret), 'admin')) !== null;
}
