/** Who there is, and what they log in with. */
import { PASSWORD } from '../api.ts';
import { type Example, GRANTS } from './example.ts';

export const ACCOUNTS: readonly Example[] = [
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
    body: { name: 'ci', minutes: 5, grants: GRANTS },
    event: 'credential.create',
  },
  {
    method: 'POST',
    route: '/tokens',
    body: { name: 'laptop', grants: GRANTS, expiresInDays: 30 },
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
];
