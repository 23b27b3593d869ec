/** Registries that are mirrored. */
import type { Example } from './example.ts';

export const UPSTREAMS: readonly Example[] = [
  {
    method: 'PUT',
    route: '/upstreams/:namespace',
    path: '/upstreams/docker.io',
    body: {
      url: 'https://registry-1.docker.io',
      username: 'acme',
      password: 'correct horse of the upstream',
      tokenHost: 'auth.docker.io',
      repositories: ['library/*', 'acme/**'],
      platforms: ['linux/amd64', 'linux/arm64'],
      tagMaxAge: 600,
      missingMaxAge: 30,
      keepBytes: 50_000_000_000,
      onMissing: 'keep',
      onFailure: 'stale',
      isPublic: true,
    },
    event: 'upstream.set',
  },
  { method: 'GET', route: '/upstreams' },
  { method: 'GET', route: '/upstreams/:namespace', path: '/upstreams/docker.io' },
  { method: 'GET', route: '/upstreams/:namespace/status', path: '/upstreams/docker.io/status' },
  {
    method: 'DELETE',
    route: '/upstreams/:namespace',
    path: '/upstreams/docker.io',
    event: 'upstream.remove',
  },
];
