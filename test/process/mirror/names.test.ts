/** What is looked for at an upstream, by whom, and what never is. */
import { describe, expect, test } from 'vitest';
import { call, expectError, newRepository, push, pushManifest } from '../../support/client.ts';
import { randomImage } from '../../support/images.ts';
import {
  api,
  expectBytes,
  getBlob,
  getManifest,
  image,
  newMirror,
  pullImage,
  registry,
  setMirror,
  upstream,
  usePlace,
} from './place.ts';

const HUB = 'hub.test';

usePlace({ DEFAULT_MIRROR: HUB });

async function newNamespace(): Promise<string> {
  const [name = ''] = newRepository().replace('/', '-').split('/');
  await api('POST', '/namespaces', { name });
  return name;
}

describe('an own namespace', () => {
  test('is never looked for elsewhere, whatever it lacks', async () => {
    await setMirror(HUB);
    const own = await newNamespace();
    const wanted = randomImage();
    await push(`${own}/app`, wanted, 'latest');
    await expectBytes(await getManifest(`${own}/app`, 'latest'), wanted);
    for (const response of [
      await getManifest(`${own}/app`, 'other'),
      await getManifest(`${own}/nothing`, 'latest'),
      await getBlob(`${own}/app`, image(1)),
      await call('HEAD', `/v2/${own}/app/manifests/other`),
      await call('GET', `/v2/${own}/nothing/tags/list`),
    ]) {
      expect(response.status).toBe(404);
    }
    expect(upstream.seen).toEqual([]);
  });

  test('is its own from the moment on that there is one', async () => {
    await setMirror(HUB);
    const name = newRepository().replace('/', '-');
    expect((await getManifest(`${name}/app`, 'latest')).status).toBe(404);
    expect(upstream.asked()).toEqual([`GET /v2/${name}/app/manifests/latest`]);
    await api('POST', '/namespaces', { name });
    const wanted = randomImage();
    await push(`${name}/app`, wanted, 'latest');
    await expectBytes(await getManifest(`${name}/app`, 'latest'), wanted);
    expect((await getManifest(`${name}/app`, 'other')).status).toBe(404);
    expect(upstream.seen).toHaveLength(1);
  });

  test('that has repositories does not become a mirror', async () => {
    const response = await call('POST', '/api/v1/namespaces', {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'own.test' }),
    });
    expect(response.ok, await response.text()).toBe(true);
    await push('own.test/app', randomImage(), 'latest');
    const put = await call('PUT', '/api/v1/upstreams/own.test', {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ url: upstream.url }),
    });
    expect(put.status).toBe(409);
  });
});

describe('the three doors', () => {
  test('lead to one cache', async () => {
    await setMirror(HUB);
    const wanted = image(1000);
    upstream.add('team/doors', wanted, 'latest');
    await pullImage(`${HUB}/team/doors`, wanted);
    const asked = upstream.seen.length;
    await pullImage('team/doors', wanted);
    const answer = await call('GET', `/v2/team/doors/manifests/latest?ns=${HUB}`);
    expect(answer.headers.get('OCI-Namespace')).toBe(HUB);
    await expectBytes(answer, wanted);
    expect(upstream.seen).toHaveLength(asked);
  });

  test.each([
    'unknown.example',
    'x',
    '../x',
    'a b',
    '%',
    'hub.test/x',
    'HUB.TEST',
    '[::1]:5000',
    'x'.repeat(300),
  ])('ns=%s is a registry of which there is no mirror', async (ns) => {
    const response = await call(
      'GET',
      `/v2/team/app/manifests/latest?ns=${encodeURIComponent(ns)}`,
    );
    await expectError(response, 404, 'NAME_UNKNOWN');
    expect(upstream.seen).toEqual([]);
  });
});

describe('a mirror', () => {
  test('is as closed as an own namespace, unless it is public', async () => {
    const wanted = image(1000);
    upstream.add('app', wanted, 'latest');
    const closed = await newMirror();
    await pullImage(`${closed}/app`, wanted);
    const asked = upstream.seen.length;
    for (const path of [
      `${closed}/app/manifests/latest`,
      `${closed}/app/manifests/other`,
      `${closed}/app/blobs/${wanted.blobs[0]?.digest}`,
      `app/manifests/latest?ns=${closed}`,
    ]) {
      const response = await fetch(`${registry.url}/v2/${path}`);
      expect(response.status, path).toBe(401);
    }
    expect(upstream.seen).toHaveLength(asked);
    const open = await newMirror({ isPublic: true });
    const token = await fetch(
      `${registry.url}/token?service=${new URL(registry.url).host}&scope=repository:${open}/app:pull`,
    );
    const headers = {
      Authorization: `Bearer ${((await token.json()) as { token: string }).token}`,
    };
    const read = await fetch(`${registry.url}/v2/${open}/app/manifests/latest`, { headers });
    await expectBytes(read, wanted);
  });

  test('tells strangers nothing of the namespaces that are there', async () => {
    await setMirror(HUB);
    const own = await newNamespace();
    const scopes = await Promise.all(
      [`${own}/app`, 'nobody-has-this/app'].map(async (name) => {
        const { headers, status } = await fetch(`${registry.url}/v2/${name}/manifests/latest`);
        return `${status} ${headers.get('WWW-Authenticate')?.replaceAll(name, 'NAME')}`;
      }),
    );
    expect(scopes[0]).toBe(scopes[1]);
  });

  test('tells those who may not pull from it nothing of itself, whatever they ask', async () => {
    const mirror = await newMirror();
    const user = newRepository().replace('/', '-');
    await api('POST', '/users', { name: user, password: 'a password of somebody' });
    const login = `Basic ${Buffer.from(`${user}:a password of somebody`).toString('base64')}`;
    for (const headers of [{}, { Authorization: login }]) {
      const answers = await Promise.all(
        [mirror, 'nobody-has.test'].map(async (name) => {
          const url = `${registry.url}/v2/team/app/manifests/latest?ns=${name}`;
          const response = await fetch(url, { headers });
          const challenge = response.headers.get('WWW-Authenticate');
          const text = `${response.status} ${challenge} ${await response.text()}`;
          return text.replaceAll(name, 'NAME');
        }),
      );
      expect(answers[0]).toMatch(/^401 .*scope="repository:NAME\/team\/app:pull"/);
      expect(answers[1]).toBe(answers[0]);
    }
    expect(upstream.seen).toEqual([]);
  });

  test('is not what an own namespace becomes by ns', async () => {
    const own = await newNamespace();
    await push(`${own}/app`, randomImage(), 'latest');
    await expectError(await call('GET', `/v2/app/manifests/latest?ns=${own}`), 404, 'NAME_UNKNOWN');
  });

  test('takes no pushes, and says so', async () => {
    const mirror = await newMirror();
    const wanted = image(1000);
    upstream.add('app', wanted, 'latest');
    await pullImage(`${mirror}/app`, wanted);
    for (const response of [
      await pushManifest(`${mirror}/app`, wanted, 'mine'),
      await call('POST', `/v2/${mirror}/app/blobs/uploads/`),
    ]) {
      expect(await response.clone().text()).toContain('nobody pushes to it');
      await expectError(response, 403, 'DENIED');
    }
    const stranger = await fetch(`${registry.url}/v2/${mirror}/app/blobs/uploads/`, {
      method: 'POST',
    });
    expect(stranger.status).toBe(401);
  });

  test('fetches only the repositories that it may', async () => {
    const wanted = image(1000);
    upstream.add('team/app', wanted, 'latest');
    upstream.add('other/app', wanted, 'latest');
    const mirror = await newMirror({ repositories: ['team/*'] });
    await pullImage(`${mirror}/team/app`, wanted);
    const asked = upstream.seen.length;
    const refused = await getManifest(`${mirror}/other/app`, 'latest');
    expect(await refused.clone().text()).toContain('does not fetch');
    await expectError(refused, 404, 'NAME_UNKNOWN');
    await expectError(await getBlob(`${mirror}/other/app`, wanted), 404, 'NAME_UNKNOWN');
    await expectError(await getManifest(`${mirror}/team/app/more`, 'latest'), 404, 'NAME_UNKNOWN');
    expect(upstream.seen).toHaveLength(asked);
  });
});
