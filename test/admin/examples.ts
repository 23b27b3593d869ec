/** One good call of each row of the table, in an order in which each finds what it needs. */
import { PASSWORD } from './api.ts';

export interface Example {
  method: string;
  route: string; // the row's path, behind /api/v1
  path?: string; // the same, filled in
  body?: Record<string, unknown>;
  event?: string; // what the audit log calls it
}

const grants = [{ repositories: 'acme/*', actions: ['pull'] }];

export const EXAMPLES: readonly Example[] = [
  { method: 'GET', route: '/openapi.json' },
  { method: 'GET', route: '/me' },
  {
    method: 'POST',
    route: '/users',
    body: { name: 'alice', password: PASSWORD, isAdmin: true },
    event: 'user.create',
  },
  {
    method: 'PUT',
    route: '/me/password',
    body: { current: PASSWORD, password: `${PASSWORD} 2` },
    event: 'user.update',
  },
  {
    method: 'POST',
    route: '/credentials',
    body: { name: 'ci', minutes: 5, grants },
    event: 'credential.create',
  },
  {
    method: 'POST',
    route: '/tokens',
    body: { name: 'laptop', grants, expiresInDays: 30 },
    event: 'token.create',
  },
  { method: 'GET', route: '/tokens' },
  { method: 'DELETE', route: '/tokens/:id', path: '/tokens/{token}', event: 'token.revoke' },
  { method: 'GET', route: '/users' },
  { method: 'GET', route: '/users/:user', path: '/users/alice' },
  {
    method: 'PATCH',
    route: '/users/:user',
    path: '/users/alice',
    body: { password: PASSWORD, isAdmin: false, isDisabled: true },
    event: 'user.update',
  },
  {
    method: 'POST',
    route: '/namespaces',
    body: { name: 'acme', isPublic: true, createsOnPush: false },
    event: 'namespace.create',
  },
  { method: 'GET', route: '/namespaces' },
  { method: 'GET', route: '/namespaces/:namespace', path: '/namespaces/acme' },
  {
    method: 'PATCH',
    route: '/namespaces/:namespace',
    path: '/namespaces/acme',
    body: { isPublic: false, createsOnPush: true },
    event: 'namespace.update',
  },
  {
    method: 'PUT',
    route: '/namespaces/:namespace/network',
    path: '/namespaces/acme/network',
    body: {
      pull: { cidrs: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'], countries: ['CH'] },
      push: { asns: [64496] },
    },
    event: 'namespace.network',
  },
  {
    method: 'GET',
    route: '/namespaces/:namespace/network',
    path: '/namespaces/acme/network',
  },
  {
    method: 'PATCH',
    route: '/namespaces/:namespace/quota',
    path: '/namespaces/acme/quota',
    body: { bytes: 50_000_000_000, repositories: null, warningPercent: 90 },
    event: 'namespace.quota',
  },
  { method: 'GET', route: '/namespaces/:namespace/usage', path: '/namespaces/acme/usage' },
  { method: 'GET', route: '/namespaces/:namespace/recount', path: '/namespaces/acme/recount' },
  {
    method: 'PUT',
    route: '/namespaces/:namespace/network',
    path: '/namespaces/acme/network',
    body: {},
    event: 'namespace.network',
  },
  {
    method: 'PUT',
    route: '/namespaces/:namespace/members/:principal',
    path: '/namespaces/acme/members/alice',
    body: { role: 'developer', repositories: 'web/*' },
    event: 'member.set',
  },
  { method: 'GET', route: '/namespaces/:namespace/members', path: '/namespaces/acme/members' },
  {
    method: 'DELETE',
    route: '/namespaces/:namespace/members/:principal',
    path: '/namespaces/acme/members/alice?repositories=web/*',
    event: 'member.remove',
  },
  {
    method: 'POST',
    route: '/namespaces/:namespace/robots',
    path: '/namespaces/acme/robots',
    body: { name: 'ci', description: 'builds', role: 'developer', grants, expiresInDays: null },
    event: 'robot.create',
  },
  { method: 'GET', route: '/namespaces/:namespace/robots', path: '/namespaces/acme/robots' },
  {
    method: 'POST',
    route: '/namespaces/:namespace/robots/:robot/secret',
    path: '/namespaces/acme/robots/acme+ci/secret',
    body: { expiresInDays: 7 },
    event: 'robot.secret',
  },
  {
    method: 'PATCH',
    route: '/namespaces/:namespace/robots/:robot',
    path: '/namespaces/acme/robots/ci',
    body: { description: 'builds all', isDisabled: true },
    event: 'robot.update',
  },
  {
    method: 'DELETE',
    route: '/namespaces/:namespace/robots/:robot',
    path: '/namespaces/acme/robots/ci',
    event: 'robot.delete',
  },
  {
    method: 'POST',
    route: '/namespaces/:namespace/trust-rules',
    path: '/namespaces/acme/trust-rules',
    body: {
      name: 'main-branch',
      issuer: 'https://token.actions.githubusercontent.com',
      audience: 'registry.test',
      claims: { repository: 'acme/app', ref: ['refs/heads/main', 'refs/tags/v*'] },
      grants: [{ repositories: 'acme/**', actions: ['pull', 'push'] }],
    },
    event: 'trust-rule.create',
  },
  {
    method: 'GET',
    route: '/namespaces/:namespace/trust-rules',
    path: '/namespaces/acme/trust-rules',
  },
  {
    method: 'DELETE',
    route: '/namespaces/:namespace/trust-rules/:rule',
    path: '/namespaces/acme/trust-rules/main-branch',
    event: 'trust-rule.delete',
  },
  {
    method: 'POST',
    route: '/namespaces/:namespace/repositories',
    path: '/namespaces/acme/repositories',
    body: { name: 'acme/app' },
    event: 'repository.create',
  },
  {
    method: 'GET',
    route: '/namespaces/:namespace/repositories',
    path: '/namespaces/acme/repositories',
  },
  // The network rules of "acme" refuse pulls from here.
  { method: 'POST', route: '/namespaces', body: { name: 'near' }, event: 'namespace.create' },
  {
    method: 'POST',
    route: '/namespaces/:namespace/repositories',
    path: '/namespaces/near/repositories',
    body: { name: 'near/app' },
    event: 'repository.create',
  },
  {
    method: 'GET',
    route: '/repositories/:repository/tags',
    path: '/repositories/near%2Fapp/tags',
  },
  {
    method: 'GET',
    route: '/repositories/:repository/manifests',
    path: '/repositories/near%2Fapp/manifests',
  },
  {
    method: 'GET',
    route: '/repositories/:repository/tags/:tag',
    path: '/repositories/acme%2Fapp/tags/v1',
  },
  {
    method: 'GET',
    route: '/repositories/:repository/tags/:tag/history',
    path: '/repositories/acme%2Fapp/tags/v1/history',
  },
  {
    method: 'DELETE',
    route: '/repositories/:repository/deleted-manifests/:digest',
    path: '/repositories/acme%2Fapp/deleted-manifests/{old}',
    event: 'manifest.purge',
  },
  {
    method: 'POST',
    route: '/repositories/:repository/deleted-manifests/:digest/restore',
    path: '/repositories/acme%2Fapp/deleted-manifests/{deleted}/restore',
    body: { withTags: false },
    event: 'manifest.restore',
  },
  {
    method: 'GET',
    route: '/repositories/:repository/deleted-tags',
    path: '/repositories/acme%2Fapp/deleted-tags',
  },
  {
    method: 'GET',
    route: '/repositories/:repository/deleted-manifests',
    path: '/repositories/acme%2Fapp/deleted-manifests',
  },
  {
    method: 'POST',
    route: '/repositories/:repository/tags/:tag/restore',
    path: '/repositories/acme%2Fapp/tags/gone/restore',
    body: {},
    event: 'tag.set',
  },
  {
    method: 'DELETE',
    route: '/repositories/:repository/deleted-manifests',
    path: '/repositories/acme%2Fapp/deleted-manifests',
    event: 'manifest.purge',
  },
  {
    method: 'DELETE',
    route: '/namespaces/:namespace/repositories/:repository',
    path: '/namespaces/acme/repositories/acme%2Fapp',
    event: 'repository.delete',
  },
  {
    method: 'GET',
    route: '/namespaces/:namespace/deleted-repositories',
    path: '/namespaces/acme/deleted-repositories',
  },
  {
    method: 'POST',
    route: '/namespaces/:namespace/deleted-repositories/:id/restore',
    path: '/namespaces/acme/deleted-repositories/{repository}/restore',
    event: 'repository.restore',
  },
  {
    method: 'DELETE',
    route: '/namespaces/:namespace/repositories/:repository',
    path: '/namespaces/acme/repositories/acme%2Fapp',
    event: 'repository.delete',
  },
  {
    method: 'DELETE',
    route: '/namespaces/:namespace/deleted-repositories/:id',
    path: '/namespaces/acme/deleted-repositories/{repository}',
    event: 'repository.purge',
  },
  { method: 'GET', route: '/namespaces/:namespace/audit', path: '/namespaces/acme/audit' },
  { method: 'GET', route: '/audit' },
  {
    method: 'POST',
    route: '/explain',
    body: {
      principal: 'alice',
      repository: 'acme/app',
      action: 'pull',
      address: '10.1.2.3',
      country: 'CH',
      asn: 64496,
    },
  },
  { method: 'POST', route: '/scrub', body: {}, event: 'scrub.start' },
  {
    method: 'GET',
    route: '/why/:digest',
    path: `/why/sha256:${'0'.repeat(64)}`,
  },
  {
    method: 'GET',
    route: '/namespaces/:namespace/why/:digest',
    path: `/namespaces/acme/why/sha256:${'0'.repeat(64)}`,
  },
  { method: 'POST', route: '/collection', body: { dryRun: false }, event: 'collection.run' },
  {
    method: 'POST',
    route: '/namespaces',
    body: { name: 'empty' },
    event: 'namespace.create',
  },
  {
    method: 'DELETE',
    route: '/namespaces/:namespace',
    path: '/namespaces/empty',
    event: 'namespace.delete',
  },
  { method: 'DELETE', route: '/users/:user', path: '/users/alice', event: 'user.delete' },
];
