/** Network rules: from where a namespace may be pulled and pushed. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { type NetworkRules, networkRefusal } from '../../src/auth/network.ts';
import worker from '../../src/index.ts';
import {
  createNamespace,
  createUser,
  metadata,
  setRole,
  type TestLogin,
} from '../support/accounts.ts';
import { call, expectError, type HeaderMap } from '../support/client.ts';
import { ADMIN, closedEnv, useClosedRegistry } from '../support/closed.ts';
import { bearer, fetchToken, grantedBy } from '../support/tokens.ts';

const ACTOR = { principal: 'test', address: null };
let user: TestLogin;

beforeAll(async () => {
  useClosedRegistry();
  user = await createUser('network-user');
});

async function namespaceWith(name: string, rules: NetworkRules): Promise<HeaderMap> {
  await createNamespace(name);
  await setRole(name, user.principal, 'developer');
  const network = JSON.stringify(rules);
  await metadata.namespaces.update(name, { network }, ACTOR, { event: 'test' });
  return bearer(`repository:${name}/app:pull,push`, user.headers);
}

function from(address: string | null, headers: HeaderMap): HeaderMap {
  return address === null ? headers : { ...headers, 'CF-Connecting-IP': address };
}

describe('addresses', () => {
  test.each([
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.1', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.0/24', '::ffff:192.0.2.9', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:db8::/32', '192.0.2.1', false],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['192.0.2.0/24', null, false],
    ['192.0.2.0/24', 'nonsense', false],
  ])('%s has %s: %s', (cidr, address, isInside) => {
    const origin = { address, country: null, asn: null };
    expect(networkRefusal({ pull: { cidrs: [cidr] } }, 'pull', origin) === null).toBe(isInside);
  });

  test('pulls and pushes have rules of their own, and the refusal says why', async () => {
    const headers = await namespaceWith('net-push', { push: { cidrs: ['192.0.2.0/24'] } });
    const start = (address: string, authorization: HeaderMap) =>
      call('POST', '/v2/net-push/app/blobs/uploads/', { headers: from(address, authorization) });
    for (const authorization of [headers, user.headers]) {
      expect((await start('192.0.2.1', authorization)).status).toBe(202);
      const refused = await start('198.51.100.1', authorization);
      expect(await refused.clone().text()).toContain('not from 198.51.100.1');
      await expectError(refused, 403, 'DENIED');
      const pull = await call('GET', '/v2/net-push/app/tags/list', {
        headers: from('198.51.100.1', authorization),
      });
      expect(pull.status).toBe(404); // there is none yet, but it may be asked
    }
  });

  test('those without a right do not learn that there are rules', async () => {
    await namespaceWith('net-hidden', { pull: { cidrs: ['192.0.2.0/24'] } });
    const stranger = await createUser('network-stranger');
    for (const repository of ['net-hidden/app', 'net-unknown/app']) {
      const response = await call('GET', `/v2/${repository}/tags/list`, {
        headers: from('198.51.100.1', stranger.headers),
      });
      expect(response.status).toBe(401);
    }
  });

  test('a mount may not come from where pulls are refused', async () => {
    await namespaceWith('net-source', { pull: { cidrs: ['192.0.2.0/24'] } });
    await namespaceWith('net-target', {});
    const scope = 'repository:net-target/app:pull,push repository:net-source/app:pull';
    const headers = await bearer(scope, user.headers);
    const digest = `sha256:${'0'.repeat(64)}`;
    const response = await call(
      'POST',
      `/v2/net-target/app/blobs/uploads/?mount=${digest}&from=net-source/app`,
      { headers: from('198.51.100.1', headers) },
    );
    expect(response.status).toBe(202);
  });

  test('the catalog leaves out what may not be pulled from there', async () => {
    await namespaceWith('net-catalog', { pull: { cidrs: ['192.0.2.0/24'] } });
    await env.DB.exec(
      "INSERT INTO repositories (name, namespace) VALUES ('net-catalog/app', 'net-catalog')",
    );
    const headers = await bearer('registry:catalog:*', user.headers);
    const list = async (address: string) => {
      const response = await call('GET', '/v2/_catalog', { headers: from(address, headers) });
      return ((await response.json()) as { repositories: string[] }).repositories;
    };
    expect(await list('192.0.2.1')).toContain('net-catalog/app');
    expect(await list('198.51.100.1')).not.toContain('net-catalog/app');
  });
});

test('countries and networks are those that the edge tells', async () => {
  const headers = await namespaceWith('net-edge', { pull: { countries: ['CH'], asns: [64500] } });
  const ask = (cf: object) =>
    worker.fetch(
      new Request<unknown, IncomingRequestCfProperties>(
        'https://registry.test/v2/net-edge/app/tags/list',
        { headers, cf: cf as IncomingRequestCfProperties },
      ),
      closedEnv(),
    );
  expect((await ask({ country: 'CH', asn: 64500 })).status).toBe(404);
  for (const [cf, reason] of [
    [{ country: 'CH', asn: 64501 }, 'from certain networks only, not from AS64501'],
    [{ country: 'DE', asn: 64500 }, 'from certain countries only, not from DE'],
    [{}, 'from certain countries only, not from an unknown one'],
  ] as const) {
    const refused = await ask(cf);
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain(reason);
  }
});

test('deletes have the rules of pushes, and nobody is above them', async () => {
  await namespaceWith('net-delete', { push: { cidrs: ['192.0.2.0/24'] } });
  for (const [address, status] of [
    ['192.0.2.1', 404],
    ['198.51.100.1', 403],
    ['2001:db8::1', 403],
    [null, 403],
  ] as const) {
    const headers = from(address, ADMIN);
    const response = await call('DELETE', '/v2/net-delete/app/manifests/v1', { headers });
    expect(response.status).toBe(status);
  }
});

test('the address is the one that the edge tells, not what a client adds', async () => {
  await namespaceWith('net-forged', { pull: { cidrs: ['192.0.2.0/24'] } });
  const headers = {
    ...user.headers,
    'CF-Connecting-IP': '198.51.100.1',
    'X-Forwarded-For': '192.0.2.1',
    'X-Real-IP': '192.0.2.1',
    'True-Client-IP': '192.0.2.1',
    Forwarded: 'for=192.0.2.1',
  };
  const response = await call('GET', '/v2/net-forged/app/tags/list', { headers });
  await expectError(response, 403, 'DENIED');
});

test('rules do not narrow what a token is granted, only where it may be used', async () => {
  await namespaceWith('net-token', { pull: { cidrs: ['192.0.2.0/24'] } });
  const token = await fetchToken('repository:net-token/app:pull', user.headers);
  expect(grantedBy(token)).toEqual({ 'net-token/app': ['pull'] });
});
