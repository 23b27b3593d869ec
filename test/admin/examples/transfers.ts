/** Copies from another registry, which is mirrored before. */
import type { Example } from './example.ts';

export const TRANSFERS: readonly Example[] = [
  {
    method: 'PUT',
    route: '/upstreams/:namespace',
    path: '/upstreams/old.example.com',
    body: { url: 'https://old.example.com' },
    event: 'upstream.set',
  },
  {
    method: 'POST',
    route: '/transfers',
    body: { from: 'old.example.com/team/app', to: 'acme/imported', tags: ['v*'] },
    event: 'transfer.start',
  },
  { method: 'GET', route: '/transfers' },
  { method: 'GET', route: '/transfers/:transfer', path: '/transfers/{transfer}' },
  {
    method: 'DELETE',
    route: '/transfers/:transfer',
    path: '/transfers/{transfer}',
    event: 'transfer.cancel',
  },
  {
    method: 'PUT',
    route: '/replications/:replication',
    path: '/replications/nightly',
    body: { from: 'old.example.com/team/app', to: 'acme/imported', everyMinutes: 1440 },
    event: 'replication.set',
  },
  { method: 'GET', route: '/replications' },
  { method: 'GET', route: '/replications/:replication', path: '/replications/nightly' },
  {
    method: 'POST',
    route: '/replications/:replication/run',
    path: '/replications/nightly/run',
    body: {},
    event: 'replication.run',
  },
  {
    method: 'DELETE',
    route: '/replications/:replication',
    path: '/replications/nightly',
    event: 'replication.remove',
  },
];
