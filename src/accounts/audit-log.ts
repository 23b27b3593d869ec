import type { AuditQuery, AuditRecord } from '../storage/metadata/audit.ts';
import type { Context } from './context.ts';
import type { Namespace } from './namespaces.ts';
import { type Page, toPage } from './page.ts';

/** Entries of the audit log, the oldest first. */
export async function listAudit(
  { metadata }: Context,
  query: AuditQuery,
  limit: number,
): Promise<Page<AuditRecord>> {
  const records = await metadata.audit.list(query, limit + 1);
  return toPage(records, limit, (record) => String(record.id));
}

/** Entries of one namespace: not those of an earlier one of the name. */
export function listNamespaceAudit(
  context: Context,
  { name, createdAt }: Namespace,
  query: AuditQuery,
  limit: number,
): Promise<Page<AuditRecord>> {
  const since = Math.max(query.since ?? 0, createdAt);
  return listAudit(context, { ...query, namespace: name, since }, limit);
}
