import { z } from 'zod';
import { CatalogReader } from '../auth/catalog-reader.ts';
import type { Identity } from '../auth/identity.ts';
import { explainContent } from '../lifecycle/why.ts';
import { parseDigest } from '../oci/digest.ts';
import { timestamp, toTimestampOrNull } from './fields.ts';
import { type ApiContext, type Route, route } from './route.ts';

const reasonSchema = z.strictObject({
  kind: z.enum(['blob', 'manifest']).describe('what it keeps: a digest can be both'),
  repository: z.string(),
  because: z.string(),
  by: z.strictObject({ tags: z.array(z.string()), manifest: z.string().nullable() }),
  until: timestamp.nullable().describe('null while something holds it'),
});

const explanationSchema = z.strictObject({
  digest: z.string(),
  size: z.int().nullable().describe('bytes, of a blob'),
  reasons: z.array(reasonSchema).describe('none: it is not stored, or not where you may look'),
  hasMore: z.boolean(),
});

/** What keeps content. */
export const WHY_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/why/:digest',
    summary: 'Say what keeps a blob or a manifest, in all namespaces',
    permission: 'system',
    body: null,
    query: null,
    status: 200,
    answer: explanationSchema,
    handle: ({ context, identity, params }) => explain(context, identity, params.digest, null),
  }),
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace/why/:digest',
    summary: 'Say what keeps a blob or a manifest in the repositories that the caller may pull',
    permission: { namespace: 'member' },
    body: null,
    query: null,
    status: 200,
    answer: explanationSchema,
    handle: ({ context, identity, namespace, params }) =>
      explain(context, identity, params.digest, namespace.name),
  }),
];

async function explain(
  { stores, metadata, origin }: ApiContext,
  identity: Identity,
  digest: string,
  namespace: string | null,
): Promise<z.input<typeof explanationSchema>> {
  const reader = new CatalogReader(metadata, identity, origin);
  const { reasons, ...rest } = await explainContent(
    stores,
    parseDigest(digest),
    namespace,
    async (names) => (namespace === null ? names : reader.readable(names)),
  );
  return {
    ...rest,
    reasons: reasons.map((reason) => ({ ...reason, until: toTimestampOrNull(reason.until) })),
  };
}
