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
    route: '/restore',
    body: {
      header: {
        format: 'edgewater-metadata',
        version: 1,
        id: '7f4ff8a1-3c0e-4c0a-9b5f-6a8a52d7a001',
        schema: '0001_initial.sql',
        takenAt: '2026-11-01T00:00:00.000Z',
        tables: ['tags'],
      },
      lastAudit: 0,
    },
    event: 'restore.begin',
  },
  {
    method: 'POST',
    route: '/restore/tables/:table',
    path: '/restore/tables/users',
    body: { rows: [{ name: 'bob', password: 'none', is_admin: 0, disabled_at: 1, created_at: 1 }] },
  },
  { method: 'POST', route: '/restore/end', body: {}, event: 'restore.end' },
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
  { method: 'POST', route: '/backup', body: {}, event: 'backup.begin' },
  { method: 'GET', route: '/backup/tables/:table', path: '/backup/tables/users' },
  { method: 'GET', route: '/backup/objects/:key', path: '/backup/objects/blobs%2Fexample' },
  { method: 'POST', route: '/backup/copies', body: {}, event: 'backup.copy' },
  { method: 'GET', route: '/backup/copies' },
  {
    method: 'GET',
    route: '/backup/copies/:copy/parts/:part',
    path: '/backup/copies/{copy}/parts/0',
  },
  { method: 'DELETE', route: '/users/:user', path: '/users/alice', event: 'user.delete' },
];
