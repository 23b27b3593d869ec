import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Reference, Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { MetadataStore } from './metadata/metadata-store.ts';
import type { ImmutableTag } from './metadata/tag-rules.ts';

/** True when the database has refused because a tag is immutable. */
export function isImmutable(error: unknown): boolean {
  return error instanceof RegistryError && error.error === 'TAG_IMMUTABLE';
}

/** Says which tag may not move to a digest, why, and what to do instead: TAG_IMMUTABLE. */
export async function explainImmovable(
  { tagRules }: MetadataStore,
  repository: RepositoryName,
  tags: readonly Tag[],
  digest: Digest,
  advice: string,
): Promise<RegistryError> {
  const found = await tagRules.findImmovable(repository, tags, digest);
  return explain(found, 'names another manifest already', advice);
}

/** Says which tag keeps itself or its manifest from being deleted, and why: TAG_IMMUTABLE. */
export async function explainKept(
  { tagRules }: MetadataStore,
  repository: RepositoryName,
  reference: Reference,
): Promise<RegistryError> {
  const found = await tagRules.findKept(repository, reference);
  const what = 'tag' in reference ? 'cannot be deleted' : 'names the manifest';
  return explain(found, what, 'keep it');
}

function explain(found: ImmutableTag | null, what: string, advice: string): RegistryError {
  if (found === null) {
    return new RegistryError('TAG_IMMUTABLE', 'a tag was immutable a moment ago: try again');
  }
  const { tag, glob, namespace, repository } = found;
  const owner = repository === null ? `the namespace ${namespace}` : repository;
  return new RegistryError(
    'TAG_IMMUTABLE',
    `the tag ${tag} ${what}, and a rule of ${owner} makes tags like "${glob}" immutable: ` +
      `${advice}, or have an admin of the namespace change its tag rules`,
  );
}
