/** What of a registry does not follow from its name. */
export interface KnownRegistry {
  url: string;
  tokenHost?: string; // where its tokens are, when that is another host
}

/**
 * Registries that need no --url: where they are asked.
 *
 * - https://distribution.github.io/distribution/recipes/mirror/ (Docker Hub)
 * - https://github.com/containerd/containerd/blob/main/docs/hosts.md
 */
const KNOWN: Readonly<Record<string, KnownRegistry>> = {
  'docker.io': { url: 'https://registry-1.docker.io', tokenHost: 'auth.docker.io' },
  'ghcr.io': { url: 'https://ghcr.io' },
  'quay.io': { url: 'https://quay.io' },
  'gcr.io': { url: 'https://gcr.io' },
  'registry.k8s.io': { url: 'https://registry.k8s.io' },
  'public.ecr.aws': { url: 'https://public.ecr.aws' },
  'mcr.microsoft.com': { url: 'https://mcr.microsoft.com' },
};

export const KNOWN_NAMES = Object.keys(KNOWN);

/** The registry of a name that everybody means the same by, or null. */
export function knownRegistry(name: string): KnownRegistry | null {
  return Object.hasOwn(KNOWN, name) ? (KNOWN[name] ?? null) : null;
}
