/** Policies and tag rules, as an administrator sets them by the API. */
import { expect } from 'vitest';
import { ADMIN, call } from '../admin/api.ts';

/** The namespace of a repository. */
export function namespaceOf(repository: string): string {
  return repository.split('/', 1)[0] ?? '';
}

/** Sets the rule of a repository's namespace, or with `repository` in it its own. The namespace. */
export async function setTagRule(repository: string, body: object): Promise<string> {
  const namespace = namespaceOf(repository);
  const { status, text } = await call(ADMIN, 'PUT', `/namespaces/${namespace}/tag-rules`, { body });
  expect(status, text).toBe(200);
  return namespace;
}

/** Sets the retention policy of a repository's namespace. */
export async function setPolicy(repository: string, body: object): Promise<void> {
  const path = `/namespaces/${namespaceOf(repository)}/retention`;
  const { status, text } = await call(ADMIN, 'PUT', path, { body });
  expect(status, text).toBe(200);
}
