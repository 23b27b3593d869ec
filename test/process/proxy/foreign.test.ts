/** `edgewater proxy` before registries that answer in ways of their own. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { call, header, withQuery } from '../../support/client.ts';
import { randomBlob } from '../../support/images.ts';
import { ask, chunksOf, openLine, streamOf } from './line.ts';

describe('a registry with ways of its own', () => {
  test('has its Locations followed, its query kept and its smallest chunk honoured', async () => {
    const other = await startOther();
    const line = await openLine(other.url);
    const blob = randomBlob(400_000);
    const start = await call('POST', '/v2/a/blobs/uploads/');
    expect(header(start, 'Location')).toBe('/v2/a/blobs/uploads/id?_state=0');
    const sent = await call('PATCH', header(start, 'Location'), { body: streamOf(blob.bytes) });
    expect(sent.status).toBe(202);
    expect(header(sent, 'Location')).toBe('/v2/a/blobs/uploads/id?_state=3');
    const put = withQuery(header(sent, 'Location'), 'digest', blob.digest);
    expect((await call('PUT', put)).status).toBe(201);
    expect(other.digest()).toBe(blob.digest);
    expect(chunksOf(line)).toEqual([
      'PATCH 0-139999',
      'PATCH 140000-279999',
      'PATCH 280000-399999',
    ]);
  });
});

test('an upload that goes on at another host takes nothing of the login there', async () => {
  const seen: IncomingMessage['headers'][] = [];
  const other = await serve(async (incoming, response) => {
    seen.push(incoming.headers);
    const status = incoming.method === 'PUT' ? 201 : 202;
    await buffer(incoming);
    response.writeHead(status).end();
  });
  const first = await serve((_, response) => {
    response.writeHead(202, { Location: `${other}/upload` }).end();
  });
  await openLine(first);
  const { bytes, digest } = randomBlob(250_000);
  const headers = {
    Authorization: 'Basic YTpi',
    Cookie: 'a=b',
    'X-Own': 'c',
    'User-Agent': 'docker/1',
  };
  const path = `/v2/a/blobs/uploads/?digest=${digest}`;
  expect((await call('POST', path, { headers, body: bytes })).status).toBe(201);
  const told = seen.flatMap((one) => [one.authorization, one.cookie, one['x-own']]);
  expect(new Set(told)).toEqual(new Set([undefined]));
  expect(seen[0]).toMatchObject({ 'user-agent': 'docker/1', 'content-range': '0-99999' });
});

/** As distribution does: the state of an upload is in the query, and an old one is refused. */
async function startOther(minimum = '140000') {
  const hash = createHash('sha256');
  let state = 0;
  let size = 0;
  const url = await serve(async (request, response) => {
    const { method, url = '', headers } = request;
    const given = new URL(url, 'http://x').searchParams.get('_state');
    if (method !== 'POST' && given !== String(state)) {
      response.writeHead(404).end();
      return;
    }
    for await (const bytes of request) {
      hash.update(bytes);
      size += bytes.length;
    }
    state += method === 'PATCH' ? 1 : 0;
    response.writeHead(method === 'PUT' ? 201 : 202, {
      Location: `http://${headers.host}/v2/a/blobs/uploads/id?_state=${state}`,
      Range: `0-${Math.max(size - 1, 0)}`,
      ...(method === 'POST' && { 'OCI-Chunk-Min-Length': minimum }),
    });
    response.end();
  });
  return { url, digest: () => `sha256:${hash.digest('hex')}` };
}

describe('an answer', () => {
  const MANIFEST = '/v2/a/manifests/v1';

  test('that is too large to be one is a failure, not cut', async () => {
    const body = 'x'.repeat(8 * 2 ** 20 + 1);
    const url = await serve((_, response) => response.writeHead(400).end(body));
    await openLine(url);
    const answer = await call('PUT', MANIFEST, { body: '{}' });
    expect(answer.status).toBe(502);
    expect(await answer.text()).toContain('more than 8 MiB');
  });

  test.each([
    ['with a reason that is none', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nhi', 200],
    [
      'that changes the protocol',
      'HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      502,
    ],
    ['that is no HTTP', 'rubbish\r\n\r\n', 502],
    ['with a status that is none', 'HTTP/1.1 42 x\r\nContent-Length: 0\r\n\r\n', 502],
  ])(
    '%s does not end the proxy',
    async (_what, head, status) => {
      const other = createTcpServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.write(head, 'latin1'));
      });
      other.listen(0, '127.0.0.1');
      await once(other, 'listening');
      onTestFinished(() => void other.close());
      const { port } = other.address() as AddressInfo;
      await openLine(`http://127.0.0.1:${port}`, { isDirect: true });
      for (const _ of [1, 2]) {
        expect((await call('GET', MANIFEST)).status).toBe(status);
      }
    },
    5000,
  );

  test.each(['140000.5', '-7', 'many', '1e300', '999999999999'])(
    'that asks for chunks of %s bytes does not confuse the proxy',
    async (minimum) => {
      const { url, digest } = await startOther(minimum);
      await openLine(url);
      const blob = randomBlob(250_000);
      const location = header(await call('POST', '/v2/a/blobs/uploads/'), 'Location');
      const sent = await call('PATCH', location, { body: streamOf(blob.bytes) });
      expect(sent.status).toBe(202);
      expect(digest()).toBe(blob.digest);
    },
    5000,
  );

  test('that stalls ends, in time', async () => {
    const other = await serve((_, response) => {
      response.writeHead(200, { 'Content-Length': '1000' }).write('x');
    });
    await openLine(other);
    await expect(call('GET', MANIFEST).then((answer) => answer.text())).rejects.toThrow();
  }, 10_000);

  test('may take the client longer to read than the registry may be silent', async () => {
    const bytes = Buffer.alloc(64 * 2 ** 20, 'x');
    const other = await serve((_, response) => void response.end(bytes));
    const { proxy } = await openLine(other);
    const outgoing = request(`${proxy.url}${MANIFEST}`).end();
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    await sleep(2500);
    expect((await buffer(answer)).length).toBe(bytes.length);
  });

  test('that leads to where nobody should send is read or let go', async () => {
    let closed = 0;
    const other = await serve((incoming, response) => {
      incoming.socket.once('close', () => {
        closed += 1;
      });
      response.writeHead(202, { Location: 'http://evil.example.com/', 'Content-Length': 1000 });
      response.write('x');
    });
    const line = await openLine(other, { isDirect: true });
    expect((await ask(`${line.proxy.url}/v2/a/blobs/uploads/`, {}, 'POST')).status).toBe(502);
    await expect.poll(() => closed, { timeout: 800 }).toBe(1);
  });
});

/** Starts as much of a registry as a test needs. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
