/** What is in a namespace, what was deleted there, and what comes back. */
import type { Example } from './example.ts';

export const REPOSITORIES: readonly Example[] = [
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
  {
    method: 'GET',
    route: '/repositories/:repository/tags',
    path: '/repositories/acme%2Fapp/tags',
  },
  {
    method: 'GET',
    route: '/repositories/:repository/manifests',
    path: '/repositories/acme%2Fapp/manifests',
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
];
