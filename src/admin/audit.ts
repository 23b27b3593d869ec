import { z } from 'zod';
import { listAudit, listNamespaceAudit } from '../accounts/audit-log.ts';
import type { Page } from '../accounts/page.ts';
import type { AuditQuery, AuditRecord } from '../storage/metadata/audit.ts';
import { digits, limit, next, nextOf, text, timestamp, toTimestamp } from './fields.ts';
import { type Route, route } from './route.ts';

/** https://jsonlines.org */
const JSON_LINES = 'application/jsonl';

const entrySchema = z.strictObject({
  id: z.int(),
  at: timestamp,
  event: z.string(),
  principal: z.string().describe('who did it'),
  address: z.string().nullable(),
  namespace: z.string().nullable(),
  repository: z.string().nullable(),
  target: z.string().nullable().describe('a tag, a digest, or the name of what was changed'),
  before: z.string().nullable(),
  after: z.string().nullable(),
  reason: z.string().nullable().describe('the rule, when one decided'),
});

const auditSchema = z.strictObject({ entries: z.array(entrySchema), next });

const namespaceQuery = z.strictObject({
  principal: text.optional(),
  repository: text.optional(),
  event: text.optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  after: digits.pipe(z.int()).default(0),
  limit,
});

const systemQuery = namespaceQuery.extend({ namespace: text.optional() });

/** The audit log. `Accept: application/jsonl` gives lines, and a Link to those that follow. */
export const AUDIT_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace/audit',
    summary: 'Show what happened in a namespace, the oldest first',
    permission: { namespace: 'members' },
    body: null,
    query: namespaceQuery,
    status: 200,
    answer: auditSchema,
    handle: async ({ context, namespace, query, url, headers }) => {
      const page = await listNamespaceAudit(context, namespace, toQuery(query), query.limit);
      return toAnswer(page, url, headers);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/audit',
    summary: 'Show what happened, the oldest first',
    permission: 'system',
    body: null,
    query: systemQuery,
    status: 200,
    answer: auditSchema,
    handle: async ({ context, query, url, headers }) =>
      toAnswer(await listAudit(context, toQuery(query), query.limit), url, headers),
  }),
];

function toQuery({ since, limit: _, ...query }: z.output<typeof systemQuery>): AuditQuery {
  const from = since === undefined ? undefined : Math.ceil(Date.parse(since) / 1000);
  return { ...query, since: from };
}

function toAnswer(
  page: Page<AuditRecord>,
  url: URL,
  headers: Headers,
): z.input<typeof auditSchema> | Response {
  const entries = page.entries.map((entry) => ({ ...entry, at: toTimestamp(entry.at) }));
  if (!headers.get('Accept')?.includes(JSON_LINES)) {
    return { entries, ...nextOf(page) };
  }
  const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  return new Response(lines, {
    headers: { 'Content-Type': JSON_LINES, ...linkTo(page.next, url) },
  });
}

/** The Link header to the entries that follow (RFC 8288). */
function linkTo(after: string | null, url: URL): Record<string, string> {
  if (after === null) {
    return {};
  }
  const query = new URLSearchParams(url.searchParams);
  query.set('after', after);
  return { Link: `<${url.pathname}?${query}>; rel="next"` };
}
