import type { Identity } from '../auth/identity.ts';
import type { QuotaChange, Recount, RepositoryUsage } from '../storage/metadata/quotas.ts';
import type { Context } from './context.ts';
import { enterNamespace, unknownNamespace } from './namespaces.ts';
import { type Page, type PageRequest, readPage } from './page.ts';
import type { Usage } from './usage.ts';

/** Changes what a namespace may have. @throws ACCOUNT_UNKNOWN */
export async function setQuota(
  { metadata, actor }: Context,
  identity: Identity,
  name: string,
  change: QuotaChange,
): Promise<Usage> {
  const { usage } = await enterNamespace(metadata, identity, name, 'member');
  const { bytes, repositories, warningPercent } = usage;
  const before = { bytes: bytes.quota, repositories: repositories.quota, warningPercent };
  const entry = {
    event: 'namespace.quota',
    namespace: name,
    target: name,
    before: JSON.stringify(before),
    after: JSON.stringify(change),
  };
  if (!(await metadata.quotas.set(name, change, actor, entry))) {
    throw unknownNamespace();
  }
  return (await enterNamespace(metadata, identity, name, 'member')).usage;
}

/** The repositories of a namespace with their size, by name. */
export function listUsage(
  { metadata }: Context,
  namespace: string,
  request: PageRequest,
): Promise<Page<RepositoryUsage>> {
  return readPage(
    request,
    (after, limit) => metadata.quotas.repositories(namespace, after, limit),
    ({ name }) => name,
  );
}

/** Counts a namespace again, beside the numbers that are kept. @throws ACCOUNT_UNKNOWN */
export async function recount({ metadata }: Context, namespace: string): Promise<Recount> {
  const counted = await metadata.quotas.recount(namespace);
  if (counted === null) {
    throw unknownNamespace();
  }
  return counted;
}
