import { RegistryError } from '../oci/errors.ts';
import { namespaceOf, parseRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import type { TagRule } from '../storage/metadata/tag-rules.ts';
import type { Context } from './context.ts';
import { unknownNamespace } from './namespaces.ts';
import { type Page, type PageRequest, readPage } from './page.ts';

/** The key of the namespace's own rule: what is behind it is every repository. */
const BEFORE_NAMES = '!';

/** The rules of a namespace: its own, then those of repositories by name. */
export function listTagRules(
  { metadata }: Context,
  namespace: string,
  request: PageRequest,
): Promise<Page<TagRule>> {
  return readPage(
    request,
    (after, limit) => metadata.tagRules.list(namespace, after, limit),
    (rule) => rule.repository ?? BEFORE_NAMES,
  );
}

/**
 * Sets the rule of a namespace, or that of one repository, which counts there instead.
 *
 * @param repository its whole name; null for the namespace
 * @throws NAME_INVALID, ACCOUNT_INVALID for a repository of another namespace, ACCOUNT_UNKNOWN
 */
export async function setTagRule(
  { metadata, actor }: Context,
  namespace: string,
  repository: string | null,
  globs: Pick<TagRule, 'immutable' | 'except'>,
): Promise<TagRule> {
  const rule = { repository: inNamespace(repository, namespace), ...globs };
  const entry = {
    event: 'tag-rule.set',
    namespace,
    repository: rule.repository,
    target: repository ?? namespace,
    before: toText(await metadata.tagRules.find(namespace, rule.repository)),
    after: toText(rule),
  };
  if (!(await metadata.tagRules.set(namespace, rule, actor, entry))) {
    throw unknownNamespace();
  }
  return rule;
}

/** Removes a rule; as {@link setTagRule}. @throws NAME_INVALID, ACCOUNT_INVALID, ACCOUNT_UNKNOWN */
export async function removeTagRule(
  { metadata, actor }: Context,
  namespace: string,
  repository: string | null,
): Promise<void> {
  const name = inNamespace(repository, namespace);
  const entry = {
    event: 'tag-rule.remove',
    namespace,
    repository: name,
    target: repository ?? namespace,
    before: toText(await metadata.tagRules.find(namespace, name)),
  };
  if (!(await metadata.tagRules.delete(namespace, name, actor, entry))) {
    const owner = name === null ? 'the namespace' : 'the repository';
    throw new RegistryError('ACCOUNT_UNKNOWN', `${owner} has no tag rule of its own`);
  }
}

function inNamespace(repository: string | null, namespace: string): RepositoryName | null {
  if (repository === null) {
    return null;
  }
  const name = parseRepositoryName(repository);
  if (namespaceOf(name) !== namespace) {
    throw new RegistryError('ACCOUNT_INVALID', `the name has to begin with "${namespace}/"`);
  }
  return name;
}

function toText(rule: TagRule | null): string | null {
  return rule && JSON.stringify({ immutable: rule.immutable, except: rule.except });
}
