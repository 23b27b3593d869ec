/** What `edgewater proxy` hands through, whom it serves, and how it keeps a push logged in. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fault, Seen } from '../../../scripts/clients/edge.ts';
import { type LocalRegistry, startRegistry } from '../../../scripts/registry/local-registry.ts';
import { call, header, newRepository, withQuery } from '../../support/client.ts';
import { randomBlob, randomImage } from '../../support/images.ts';
import { ask, openLine, streamOf } from './line.ts';

const PASSWORD = 'correct horse battery staple';
const BASIC = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`;

let folder: string;
let registry: LocalRegistry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewater-passage-'));
  registry = await startRegistry({
    port: 0,
    host: '127.0.0.1',
    state: join(folder, 'state'),
    log: 'off',
    adminPassword: PASSWORD,
  });
});

afterAll(async () => {
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Fetches a token as docker does: from where the challenge says. */
async function fetchToken(repository: string): Promise<string> {
  const challenge = header(await call('GET', '/v2/'), 'WWW-Authenticate');
  const [, realm = '', service = ''] = /realm="(.*?)",service="(.*?)"/.exec(challenge) ?? [];
  const query = new URLSearchParams({ service, scope: `repository:${repository}:pull,push` });
  const response = await fetch(`${realm}?${query}`, { headers: { Authorization: BASIC } });
  expect(response.status).toBe(200);
  const { token } = (await response.json()) as { token: string };
  return token;
}

describe('the login', () => {
  test('leads through the proxy, for the registry’s own name', async () => {
    const { proxy, edge } = await openLine(registry.url);
    const challenge = header(await call('GET', '/v2/'), 'WWW-Authenticate');
    expect(challenge).toContain(`realm="${proxy.url}/token"`);
    expect(challenge).toContain(`service="${new URL(edge.url).host}"`);
    const named = await ask(`${proxy.url}/v2/`, { Host: `localhost:${new URL(proxy.url).port}` });
    expect(named.headers['www-authenticate']).toContain('realm="http://localhost:');
  });

  test('of another place is left alone', async () => {
    const realm = 'https://auth.example.com/token';
    const headers = { 'WWW-Authenticate': `Bearer realm="${realm}",service="x"` };
    await openLine(registry.url, { fault: () => ({ kind: 'answer', status: 401, headers }) });
    const answer = await call('GET', '/v2/');
    expect(header(answer, 'WWW-Authenticate')).toBe(headers['WWW-Authenticate']);
  });

  test.each([
    ['in the middle of a layer', ({ range }: Seen) => range?.startsWith('100000-') === true],
    ['at the end', ({ method }: Seen) => method === 'PUT'],
  ])('is renewed when the token is over %s', async (_when, fits) => {
    const refused = new Set<string | undefined>();
    const fault = (seen: Seen): Fault | null => {
      const isOver = fits(seen) && (refused.size === 0 || refused.has(seen.headers.authorization));
      if (isOver) {
        refused.add(seen.headers.authorization);
      }
      return isOver ? { kind: 'answer', status: 401 } : null;
    };
    const line = await openLine(registry.url, { fault });
    const repository = newRepository();
    const Authorization = `Bearer ${await fetchToken(repository)}`;
    const blob = randomBlob(250_000);
    const start = `/v2/${repository}/blobs/uploads/`;
    const location = header(await call('POST', start, { headers: { Authorization } }), 'Location');
    const body = streamOf(blob.bytes);
    const sent = await call('PATCH', location, { headers: { Authorization }, body });
    expect(sent.status).toBe(202);
    const put = withQuery(location, 'digest', blob.digest);
    expect((await call('PUT', put, { headers: { Authorization } })).status).toBe(201);
    expect(refused.size).toBe(1);
    const secrets = [PASSWORD, BASIC, ...refused].map((secret) => secret ?? '');
    expect(secrets.filter((secret) => line.told.lines.join().includes(secret))).toEqual([]);
  });

  test('cannot be renewed when the proxy did not fetch the token, and that is told', async () => {
    const fault = ({ range }: Seen): Fault | null =>
      range?.startsWith('100000-') ? { kind: 'answer', status: 401 } : null;
    const line = await openLine(registry.url, { fault });
    const repository = newRepository();
    const headers = { Authorization: BASIC };
    const path = `/v2/${repository}/blobs/uploads/`;
    const location = header(await call('POST', path, { headers }), 'Location');
    const body = streamOf(randomBlob(250_000).bytes);
    expect((await call('PATCH', location, { headers, body })).status).toBe(401);
    expect(line.told.lines.at(-1)).toContain('the token has expired');
  });

  test('that is wrong, or grants too little, is answered as the registry answers it', async () => {
    const line = await openLine(registry.url);
    await call('GET', '/v2/');
    const wrong = { Authorization: `Basic ${Buffer.from('admin:no').toString('base64')}` };
    expect((await call('GET', '/token', { headers: wrong })).status).toBe(401);
    const token = await fetchToken(newRepository());
    const before = line.edge.seen.length;
    const answer = await call('POST', '/v2/another/place/blobs/uploads/?digest=sha256:0', {
      headers: { Authorization: `Bearer ${token}` },
      body: 'x',
    });
    expect(answer.status).toBe(401);
    expect(line.edge.seen.length - before).toBe(1);
  });
});

describe('what is no upload', () => {
  test('passes through: manifests, heads, ranges, lists, errors, the API', async () => {
    await openLine(registry.url);
    const repository = newRepository();
    const headers = { Authorization: BASIC };
    const image = randomImage();
    for (const blob of image.blobs) {
      const path = `/v2/${repository}/blobs/uploads/?digest=${blob.digest}`;
      expect((await call('POST', path, { headers, body: blob.bytes })).status).toBe(201);
    }
    const manifest = `/v2/${repository}/manifests/v1`;
    const put = await call('PUT', manifest, {
      headers: { ...headers, 'Content-Type': image.mediaType },
      body: image.bytes,
    });
    expect(put.status).toBe(201);
    expect(header(put, 'Docker-Content-Digest')).toBe(image.digest);
    const head = await call('HEAD', manifest, { headers });
    expect(header(head, 'Content-Length')).toBe(String(image.bytes.length));
    const [layer = randomBlob(0)] = image.blobs;
    const blob = `/v2/${repository}/blobs/${layer.digest}`;
    const range = await call('GET', blob, { headers: { ...headers, Range: 'bytes=10-19' } });
    expect(range.status).toBe(206);
    expect(header(range, 'Content-Range')).toBe(`bytes 10-19/${layer.bytes.length}`);
    expect(new Uint8Array(await range.arrayBuffer())).toEqual(layer.bytes.slice(10, 20));
    const tags = await call('GET', `/v2/${repository}/tags/list?n=1`, { headers });
    expect(await tags.json()).toEqual({ name: repository, tags: ['v1'] });
    const me = await call('GET', '/api/v1/me', { headers });
    expect(await me.json()).toMatchObject({ principal: 'admin' });
    const unknown = await call('GET', `/v2/${repository}/manifests/v2`, { headers });
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ errors: [{ code: 'MANIFEST_UNKNOWN' }] });
    expect((await call('DELETE', manifest, { headers })).status).toBe(202);
  });

  test('a manifest is sent again when the edge fails', async () => {
    let failures = 2;
    const fault = ({ path }: Seen): Fault | null =>
      path.includes('/manifests/') && failures-- > 0 ? { kind: 'lose' } : null;
    await openLine(registry.url, { fault });
    const repository = newRepository();
    const headers = { Authorization: BASIC };
    const image = randomImage();
    for (const blob of image.blobs) {
      const path = `/v2/${repository}/blobs/uploads/?digest=${blob.digest}`;
      await call('POST', path, { headers, body: blob.bytes });
    }
    const put = await call('PUT', `/v2/${repository}/manifests/v1`, {
      headers: { ...headers, 'Content-Type': image.mediaType },
      body: image.bytes,
    });
    expect(put.status).toBe(201);
  });

  test('a registry that is gone is a 502 with an error that clients can read', async () => {
    const { edge } = await openLine(registry.url);
    edge.stop();
    const answer = await call('GET', '/v2/');
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ errors: [{ code: 'UNAVAILABLE' }] });
  });
});

describe('who is served', () => {
  test.each<[string, Record<string, string>, number]>([
    ['a client on this machine', { Host: 'localhost:5001' }, 401],
    ['IPv6 too', { Host: '[::1]:5001' }, 401],
    ['not a name that leads here (DNS rebinding)', { Host: 'evil.example.com' }, 403],
    ['not a name with a user before it', { Host: 'evil.example.com@localhost' }, 403],
    ['not a name with more behind it', { Host: 'localhost/"x' }, 403],
    ['not a page of another site', { Origin: 'https://evil.example.com' }, 403],
    ['not what a browser loads for another site', { 'Sec-Fetch-Site': 'cross-site' }, 403],
  ])('%s', async (_who, headers, status) => {
    const { proxy, edge } = await openLine(registry.url);
    expect((await ask(`${proxy.url}/v2/`, headers)).status).toBe(status);
    expect(edge.seen).toHaveLength(status === 403 ? 0 : 1);
  });

  test('headers between neighbours go no further', async () => {
    const { proxy, edge } = await openLine(registry.url);
    await ask(`${proxy.url}/v2/`, {
      Connection: 'x-own',
      'X-Own': '1',
      'X-Other': '2',
      TE: 'gzip',
    });
    expect(edge.seen[0]?.headers).toMatchObject({ 'x-other': '2', host: new URL(edge.url).host });
    expect(Object.keys(edge.seen[0]?.headers ?? {})).not.toContain('x-own');
    expect(Object.keys(edge.seen[0]?.headers ?? {})).not.toContain('te');
  });
});
