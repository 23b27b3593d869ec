/** Copies that are made again and again, both ways, between two registries. */
import { expect, test } from 'vitest';
import { call, newRepository, push } from '../../support/client.ts';
import {
  artifactOf,
  descriptorOf,
  indexOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  randomImage,
} from '../../support/images.ts';
import { ask, digestThere, edgewater, ended, front, MIRROR, PASSWORD, url } from './place.ts';

/** What a reference names in the other registry; null when it names nothing. */
async function digestOld(repository: string, reference: string): Promise<string | null> {
  const response = await call('HEAD', `/v2/${repository}/manifests/${reference}`);
  return response.ok ? response.headers.get('Docker-Content-Digest') : null;
}

async function set(name: string, body: object): Promise<void> {
  const { status, json } = await ask('PUT', `/replications/${name}`, body);
  expect(status, JSON.stringify(json)).toBe(200);
}

async function runNow(name: string) {
  const { status, json } = await ask('POST', `/replications/${name}/run`, {});
  expect(status, JSON.stringify(json)).toBe(201);
  return ended(json.id);
}

/** An index of two platforms, one image beside it, and a signature, in the other registry. */
async function fill(repository: string) {
  const [one, amd64, arm64] = [randomImage(), randomImage(), randomImage()];
  const index = indexOf([amd64, arm64]);
  await push(repository, one, 'v1');
  await push(repository, amd64);
  await push(repository, arm64);
  await push(repository, index, 'v2');
  const signature = artifactOf('application/vnd.example.signature', index);
  await push(repository, signature);
  const cosign = randomImage();
  const signatureTag = `${index.digest.replace(':', '-')}.sig`;
  await push(repository, cosign, signatureTag);
  return { one, amd64, arm64, index, signature, cosign, signatureTag };
}

/** Has a repository of ours filled from the other registry: what is in it. */
async function bring(to: string) {
  const repository = newRepository();
  const images = await fill(repository);
  const name = to.replace('/', '-');
  await set(name, { from: `${MIRROR}/${repository}`, to });
  expect(await runNow(name)).toMatchObject({ state: 'done', copied: 3 });
  return images;
}

test('there and back: another registry gets all of it, with the same digests', async () => {
  const back = newRepository();
  const there = await bring('acme/both');
  const made = await edgewater(
    ...['replication', 'set', 'back', '--from', 'acme/both', '--to', `${MIRROR}/${back}`],
    ...['--tags', 'v*'],
  );
  expect(made.code, made.stderr).toBe(0);
  expect(made.stdout).toMatch(/direction +push/);
  expect(await runNow('back')).toMatchObject({ state: 'done', copied: 3, failed: 0 });
  for (const [tag, { digest }] of [
    ['v1', there.one],
    ['v2', there.index],
    [there.signatureTag, there.cosign],
  ] as const) {
    expect(await digestOld(back, tag), tag).toBe(digest);
  }
  for (const { digest, blobs } of [there.one, there.amd64, there.arm64, there.signature]) {
    expect(await digestOld(back, digest)).toBe(digest);
    for (const blob of blobs) {
      const response = await call('GET', `/v2/${back}/blobs/${blob.digest}`);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(blob.bytes));
    }
  }
  const referrers = await call('GET', `/v2/${back}/referrers/${there.index.digest}`);
  const { manifests } = (await referrers.json()) as { manifests: { digest: string }[] };
  expect(manifests.map(({ digest }) => digest)).toEqual([there.signature.digest]);

  front.asked.length = 0;
  expect(await runNow('back')).toMatchObject({ state: 'done', copied: 0, present: 3 });
  expect(front.asked.filter(({ method }) => method === 'PUT' || method === 'POST')).toEqual([]);
});

test('a push goes on after the other registry failed, and had enough', async () => {
  const back = newRepository();
  const { one } = await bring('acme/hindered');
  const answers = [{ status: 500 }, { status: 429, headers: { 'Retry-After': '1' } }];
  front.reply = ({ method }) => (method === 'PUT' ? (answers.shift() ?? null) : null);
  await set('out', {
    ...{ from: 'acme/hindered', to: `${MIRROR}/${back}`, tag: 'v1', toTag: 'stable' },
  });
  expect(await runNow('out')).toMatchObject({ state: 'done', copied: 1, failed: 0 });
  expect(answers).toEqual([]);
  expect(await digestOld(back, 'stable')).toBe(one.digest);
});

test('one that does not let us push is a failure with a reason', async () => {
  await bring('acme/refused');
  front.reply = ({ method }) => (method === 'POST' ? { status: 403 } : null);
  await set('refused', {
    ...{ from: 'acme/refused', to: `${MIRROR}/${newRepository()}`, tags: ['v1'] },
  });
  const { state, failures } = await runNow('refused');
  front.reply = () => null;
  expect(state).toBe('failed');
  expect(failures[0].reason).toContain('does not let us push');
});

test('a layer of 20 MB streams both ways', async () => {
  const repository = newRepository();
  const back = newRepository();
  const [config, layer] = [randomBlob(200), randomBlob(20_000_000)];
  const body = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config, OCI_CONFIG),
    layers: [descriptorOf(layer)],
  };
  await push(repository, manifestOf(body, OCI_MANIFEST, [config, layer]), 'large');
  await set('large-in', { from: `${MIRROR}/${repository}`, to: 'acme/large' });
  expect(await runNow('large-in')).toMatchObject({ state: 'done', copied: 1 });
  await set('large-out', { from: 'acme/large', to: `${MIRROR}/${back}` });
  expect(await runNow('large-out')).toMatchObject({ state: 'done', copied: 1 });
  const response = await call('GET', `/v2/${back}/blobs/${layer.digest}`);
  expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), layer.bytes)).toBe(0);
});

test('an upload goes nowhere else, whatever its Location says', async () => {
  await bring('acme/elsewhere');
  for (const [name, location, words] of [
    ['elsewhere', 'http://elsewhere.example.com/upload', 'another host'],
    ['hidden', `${front.url}//elsewhere.example.com/upload`, 'does not take the blob'],
  ] as const) {
    front.asked.length = 0;
    front.reply = ({ method, path }) => {
      const isUpload = method === 'PUT' && path.startsWith('//elsewhere');
      return method === 'POST'
        ? { status: 202, headers: { Location: location } }
        : isUpload
          ? { status: 404 }
          : null;
    };
    const to = `${MIRROR}/${newRepository()}`;
    await set(name, { from: 'acme/elsewhere', to, tags: ['v1'], referrers: false });
    const { state, failures } = await runNow(name);
    front.reply = () => null;
    expect(state).toBe('failed');
    expect(failures[0].reason).toContain(words);
    const uploads = front.asked.filter(({ method }) => method === 'PUT');
    expect(uploads.length).toBe(name === 'hidden' ? 1 : 0);
  }
});

test('a registry that wants a login: the token is one for a push', async () => {
  const { one, index } = await bring('acme/login');
  const login = { url, username: 'admin', password: PASSWORD };
  expect((await ask('PUT', '/upstreams/self.example.com', login)).status).toBe(200);
  await set('login', { from: 'acme/login', to: 'self.example.com/pushed/app', tags: ['v*'] });
  expect(await runNow('login')).toMatchObject({ state: 'done', copied: 3, failed: 0 });
  expect(await digestThere('pushed/app', 'v1')).toBe(one.digest);
  expect(await digestThere('pushed/app', 'v2')).toBe(index.digest);
});

test('listed with how the last run ended, and removed', async () => {
  await bring('acme/listed');
  const { stdout } = await edgewater('replication', 'list', '--json');
  const found = JSON.parse(stdout).find(({ name }: { name: string }) => name === 'acme-listed');
  expect(found).toMatchObject({ direction: 'pull', everyMinutes: 60, lastState: 'done' });
  expect((await edgewater('replication', 'remove', 'acme-listed')).code).toBe(0);
  expect((await ask('GET', '/replications/acme-listed')).status).toBe(404);
  expect(await digestThere('acme/listed', 'v1')).not.toBeNull();
});
