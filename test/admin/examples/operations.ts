/** What keeps the registry going, and what ends. */
import type { Example } from './example.ts';

export const OPERATIONS: readonly Example[] = [
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
  { method: 'POST', route: '/collection', body: { dryRun: false }, event: 'collection.run' },
  { method: 'DELETE', route: '/users/:user', path: '/users/alice', event: 'user.delete' },
];
