/** Where a redirect may lead, on the platform, where upstreams are on the internet. */
import { afterEach, expect, test, vi } from 'vitest';
import { type Outgoing, send } from '../../src/upstream/send.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Answers each request with a redirect to the next; returns what was asked, with its Authorization. */
function redirects(...locations: string[]): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (url: URL, { headers }: { headers: Headers }) => {
    asked.push(`${url} ${headers.get('Authorization')}`);
    const Location = locations.shift();
    return Location === undefined
      ? new Response('there')
      : new Response(null, { status: 307, headers: { Location } });
  });
  return asked;
}

const get = (method: Outgoing['method'] = 'GET') =>
  send(
    {
      method,
      url: new URL('https://a.example/x'),
      headers: new Headers({ Authorization: 'secret' }),
    },
    false,
  );

test.each([
  'http://b.example/',
  'http://a.example/',
  'https://127.0.0.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://[::ffff:169.254.169.254]/',
  '//metadata.internal/',
  'https://user:password@b.example/',
  'data:text/plain,x',
])('a redirect to %s is not followed', async (location) => {
  const asked = redirects(location);
  await expect(get()).rejects.toMatchObject({ error: 'UPSTREAM_REFUSED' });
  expect(asked).toEqual(['https://a.example/x secret']);
});

test('nor one that comes after another', async () => {
  redirects('https://b.example/y', 'https://10.0.0.1/z');
  await expect(get()).rejects.toMatchObject({ error: 'UPSTREAM_REFUSED' });
});

test('Authorization stays at its host, and does not come back', async () => {
  const asked = redirects('/y', 'https://b.example/z', 'https://a.example/x');
  expect(await (await get()).text()).toBe('there');
  expect(asked).toEqual([
    'https://a.example/x secret',
    'https://a.example/y secret',
    'https://b.example/z null',
    'https://a.example/x null',
  ]);
});

test('another port is another host', async () => {
  const asked = redirects('https://a.example:8443/y');
  await get();
  expect(asked[1]).toBe('https://a.example:8443/y null');
});

test('five redirects are followed, no more', async () => {
  redirects(...Array.from({ length: 5 }, (_, index) => `/${index}`));
  expect((await get()).status).toBe(200);
  redirects(...Array.from({ length: 6 }, (_, index) => `/${index}`));
  await expect(get()).rejects.toMatchObject({ error: 'UPSTREAM_FAILED' });
});

test.each<[string, () => Promise<Response>]>([
  [
    'workerd',
    () => Promise.reject(new Error('internal error; reference = 2icqmlguqgvs80100jjtf2m1')),
  ],
  ['the platform', async () => new Response('no', { status: 526 })],
])(
  'a certificate that %s does not trust is a failure that says what to see to',
  async (_, answer) => {
    vi.stubGlobal('fetch', answer);
    const message = expect.stringMatching(/^a\.example cannot be reached.*certificate/);
    await expect(get()).rejects.toMatchObject({ error: 'UPSTREAM_FAILED', message });
  },
);

test.each(['POST', 'PUT'] as const)(
  'a %s is not sent elsewhere, and it says so',
  async (method) => {
    const asked = redirects('https://b.example/y');
    await expect(get(method)).rejects.toMatchObject({
      error: 'UPSTREAM_FAILED',
      message: expect.stringContaining(
        `a.example redirects a ${method} to https://b.example; only reads`,
      ),
    });
    expect(asked).toHaveLength(1);
  },
);
