/**
 * Advisories against other registries, each asked of this one. Those of the JSON API are in
 * advisories-api.test.ts; V4, V26 and V28 in tokens.test.ts; V8, V12, V13, V14 and V21 in
 * privacy.test.ts.
 */
import { env } from 'cloudflare:workers';
import { generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { createUser, setRole, type TestLogin } from '../support/accounts.ts';
import { streamOf } from '../support/bodies.ts';
import { bytesOf, call, expectError, type HeaderMap, header, push } from '../support/client.ts';
import { ADMIN, useClosedRegistry } from '../support/closed.ts';
import { withFaults } from '../support/faults.ts';
import {
  descriptorOf,
  emptyBlob,
  manifestOf,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  randomBlob,
  randomDigest,
  randomImage,
  type TestBlob,
} from '../support/images.ts';
import { bearer } from '../support/tokens.ts';

const image = randomImage();
const [, layer = emptyBlob] = image.blobs;

let alice: TestLogin; // maintainer of priv
let dora: TestLogin; // developer of priv
let rita: TestLogin; // reader of priv
let mallory: TestLogin; // admin of mal

beforeAll(async () => {
  await push('priv/app', image, 'v1');
  await push('priv/app', image, 'latest');
  await push('mal/x', randomImage(), 'v1');
  useClosedRegistry();
  [alice, dora, rita, mallory] = (await Promise.all(
    ['alice', 'dora', 'rita', 'mallory'].map((name) => createUser(`adv-${name}`)),
  )) as [TestLogin, TestLogin, TestLogin, TestLogin];
  await setRole('priv', alice.principal, 'maintainer');
  await setRole('priv', dora.principal, 'developer');
  await setRole('priv', rita.principal, 'reader');
  await setRole('mal', mallory.principal, 'admin');
});

/** The header of a token for all actions that the login has on a repository. */
function tokenOf(login: TestLogin, repository: string): Promise<HeaderMap> {
  return bearer(`repository:${repository}:pull,push,delete`, login.headers);
}

async function digestOfTag(tag: string): Promise<string> {
  const response = await call('HEAD', `/v2/priv/app/manifests/${tag}`, { headers: ADMIN });
  return header(response, 'Docker-Content-Digest');
}

describe('sizes', () => {
  test.each(['/v2/_catalog', '/v2/priv/app/tags/list', `/v2/priv/app/referrers/${image.digest}`])(
    'V1 CVE-2023-2253: a page of any size of %s',
    async (path) => {
      const response = await call('GET', `${path}?n=999999999999`, { headers: ADMIN });
      expect([200, 400]).toContain(response.status);
    },
  );

  test('V2 CVE-2017-11468: a manifest above 4 MiB, announced or not', async () => {
    const bytes = new Uint8Array(4 * 2 ** 20 + 1).fill(0x20);
    const headers = { ...alice.headers, 'Content-Type': OCI_MANIFEST };
    for (const body of [bytes, streamOf(bytes)]) {
      const response = await call('PUT', '/v2/priv/app/manifests/large', { headers, body });
      await expectError(response, 413, 'SIZE_INVALID');
    }
  });
});

describe('V3 CVE-2021-41190: what a manifest is', () => {
  const config = descriptorOf(emptyBlob, OCI_CONFIG);

  test.each([
    ['layers and manifests', { config, layers: [], manifests: [] }, OCI_MANIFEST],
    ['an index that says it is a manifest', { manifests: [], mediaType: OCI_MANIFEST }, OCI_INDEX],
  ])('is not two things: %s', async (_title, fields, type) => {
    const { bytes } = manifestOf({ schemaVersion: 2, ...fields });
    const headers = { ...alice.headers, 'Content-Type': type };
    const response = await call('PUT', '/v2/priv/app/manifests/both', { headers, body: bytes });
    await expectError(response, 400, 'MANIFEST_INVALID');
  });

  test('does not depend on Accept', async () => {
    for (const Accept of [OCI_INDEX, OCI_MANIFEST, '*/*']) {
      const headers = { ...rita.headers, Accept };
      const response = await call('GET', `/v2/priv/app/manifests/${image.digest}`, { headers });
      expect(response.headers.get('Content-Type')).toBe(OCI_MANIFEST);
      expect(await bytesOf(response)).toEqual(image.bytes);
    }
  });
});

describe('deleting', () => {
  async function upload(repository: string, blob: TestBlob): Promise<void> {
    const path = `/v2/${repository}/blobs/uploads/?digest=${blob.digest}`;
    const response = await call('POST', path, { headers: ADMIN, body: blob.bytes });
    expect(response.status).toBe(201);
  }

  test.each(['GET', 'HEAD'])(
    'V5 CVE-2026-35172, V11: a deleted blob stays so while others are asked for it, %s',
    async (method) => {
      const blob = randomBlob(100);
      await Promise.all([upload('priv/a', blob), upload('priv/b', blob)]);
      const ask = async (repository: string) => {
        const path = `/v2/${repository}/blobs/${blob.digest}`;
        return (await call(method, path, { headers: alice.headers })).status;
      };
      expect(await ask('priv/a')).toBe(200);
      const path = `/v2/priv/a/blobs/${blob.digest}`;
      expect((await call('DELETE', path, { headers: alice.headers })).status).toBe(202);
      expect([await ask('priv/a'), await ask('priv/b'), await ask('priv/a')]).toEqual([
        404, 200, 404,
      ]);
    },
  );

  test.each(['v1', image.digest])(
    'V6 CVE-2026-41888: %s takes the right to delete',
    async (reference) => {
      for (const headers of [dora.headers, await tokenOf(dora, 'priv/app')]) {
        const path = `/v2/priv/app/manifests/${reference}`;
        expect((await call('DELETE', path, { headers })).status).toBe(401);
      }
      expect(await digestOfTag('v1')).toBe(image.digest);
    },
  );

  test('V9 CVE-2026-31801: "latest" takes the right to push, as every tag', async () => {
    const other = randomImage();
    for (const headers of [rita.headers, await tokenOf(rita, 'priv/app')]) {
      for (const tag of ['latest', 'v1', 'new']) {
        const response = await call('PUT', `/v2/priv/app/manifests/${tag}`, {
          headers: { ...headers, 'Content-Type': OCI_MANIFEST },
          body: other.bytes,
        });
        expect(response.status).toBe(401);
      }
    }
    expect(await digestOfTag('latest')).toBe(image.digest);
  });
});

describe('content that others have', () => {
  test('V8 CVE-2024-39897: a digest is not access: a manifest cannot name it', async () => {
    const headers = { ...(await tokenOf(mallory, 'mal/x')), 'Content-Type': OCI_MANIFEST };
    const put = async (digest: string) => {
      const { bytes } = manifestOf({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: { ...descriptorOf(layer, OCI_CONFIG), digest },
        layers: [],
      });
      const response = await call('PUT', '/v2/mal/x/manifests/stolen', { headers, body: bytes });
      return [response.status, (await response.text()).replaceAll(digest, 'D')];
    };
    const answer = await put(layer.digest);
    expect(answer).toEqual(await put(randomDigest()));
    expect(answer[0]).toBe(400);
  });

  test('V8: nor can an index name the manifest of others', async () => {
    const headers = { ...(await tokenOf(mallory, 'mal/x')), 'Content-Type': OCI_INDEX };
    const put = async (digest: string) => {
      const manifests = [{ ...descriptorOf(image, OCI_MANIFEST), digest }];
      const { bytes } = manifestOf({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
      const response = await call('PUT', '/v2/mal/x/manifests/stolen', { headers, body: bytes });
      return [response.status, (await response.text()).replaceAll(digest, 'D')];
    };
    expect(await put(image.digest)).toEqual(await put(randomDigest()));
    const pull = `/v2/mal/x/manifests/${image.digest}`;
    expect((await call('GET', pull, { headers })).status).toBe(404);
  });

  test('V8, V31: an upload without its bytes is not the blob', async () => {
    const headers = await tokenOf(mallory, 'mal/x');
    const started = await call('POST', '/v2/mal/x/blobs/uploads/', { headers });
    const path = `${header(started, 'Location')}?digest=${layer.digest}`;
    await expectError(await call('PUT', path, { headers }), 400, 'DIGEST_INVALID');
    const get = await call('GET', `/v2/mal/x/blobs/${layer.digest}`, { headers });
    expect(get.status).toBe(404);
  });

  test('V25 CVE-2026-44457: what one may read is not kept for others', async () => {
    const path = `/v2/priv/app/blobs/${layer.digest}`;
    for (const headers of [alice.headers, await tokenOf(rita, 'priv/app')]) {
      const response = await call('GET', path, { headers });
      expect(response.status).toBe(200);
      expect(response.headers.get('Cache-Control')).toMatch(/^private\b/);
      for (const method of ['GET', 'HEAD']) {
        expect((await call(method, path)).status).toBe(401);
        const ranged = await call(method, path, { headers: { Range: 'bytes=0-0' } });
        expect(ranged.status).toBe(401);
      }
    }
  });

  test.each(['/v2/priv%2Fapp/tags/list', '/v2/mal/x/%2e%2e/%2e%2e/priv/app/tags/list'])(
    'C9: another way to write a path is no way in: %s',
    async (path) => {
      for (const headers of [{}, mallory.headers, await tokenOf(mallory, 'mal/x')]) {
        const response = await call('GET', path, { headers });
        expect(await response.clone().text()).not.toContain('v1');
        expect([400, 401]).toContain(response.status);
      }
    },
  );
});

describe('what browsers would make of it', () => {
  const script = '<script>alert(1)</script>';

  test('V23 CVE-2025-32019: content is not a page', async () => {
    const blob = { bytes: new TextEncoder().encode(script) };
    const headers = { ...alice.headers, 'Content-Type': 'text/html' };
    const page = await call('PUT', '/v2/priv/app/manifests/page', { headers, body: blob.bytes });
    expect(page.status).toBe(400);
    const get = await call('GET', `/v2/priv/app/blobs/${layer.digest}`, { headers: rita.headers });
    expect(get.headers.get('Content-Type')).toBe('application/octet-stream');
    expect(get.headers.get('X-Content-Type-Options')).toBe('nosniff');
  });

  test.each([
    `/v2/${script}/tags/list`,
    `/v2/priv/app/manifests/${script}`,
    `/v2/_catalog?n=${script}`,
    `/v1/search?q=${script}`,
    `/api/v1/users/${script}`,
    `/${script}`,
  ])('V23: an answer that says %s is JSON', async (path) => {
    const response = await call('GET', path, { headers: ADMIN });
    expect(response.headers.get('Content-Type')).toMatch(/^application\/(problem\+)?json/);
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
  });
});

test('V27 CVE-2026-48524: tokens of unknown keys do not have the keys read each time', async () => {
  const { privateKey } = await generateKeyPair('EdDSA');
  const good = await tokenOf(rita, 'priv/app');
  let queries = 0;
  const DB = withFaults(env.DB, (method) => {
    queries += method === 'prepare' ? 1 : 0;
    return undefined;
  });
  useClosedRegistry({ DB });
  for (let index = 0; index < 1000; index++) {
    const token = await new SignJWT({ access: [] })
      .setProtectedHeader({ alg: 'EdDSA', kid: crypto.randomUUID() })
      .sign(privateKey);
    const headers = { Authorization: `Bearer ${token}` };
    expect((await call('GET', '/v2/', { headers })).status).toBe(401);
  }
  expect(queries).toBeLessThan(50); // one in a second
  const pull = await call('GET', '/v2/priv/app/manifests/v1', { headers: good });
  expect(pull.status).toBe(200);
  useClosedRegistry();
});
