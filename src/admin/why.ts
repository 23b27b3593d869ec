import { z } from 'zod';
import { deletable } from '../accounts/deleted-repositories.ts';
import type { Namespace } from '../accounts/namespaces.ts';
import { CatalogReader } from '../auth/catalog-reader.ts';
import type { Identity } from '../auth/identity.ts';
import { roleAllows } from '../auth/roles.ts';
import { explainContent, type Sieve } from '../lifecycle/why.ts';
import { parseDigest } from '../oci/digest.ts';
import { timestamp, toTimestampOrNull } from './fields.ts';
import { type ApiContext, type Route, route } from './route.ts';

const reasonSchema = z.strictObject({
  kind: z.enum(['blob', 'manifest']).describe('what it keeps: a digest can be both'),
  repository: z.string().describe('of a deleted one, the name that it had'),
  restorableUntil: timestamp.nullable().describe('when the repository is deleted'),
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
    handle: ({ context, params }) => explain(context, params.digest, null, null),
  }),
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace/why/:digest',
    summary:
      'Say what keeps a blob or a manifest in the repositories that the caller may pull, or may restore',
    permission: { namespace: 'member' },
    body: null,
    query: null,
    status: 200,
    answer: explanationSchema,
    handle: ({ context, identity, namespace, params }) =>
      explain(context, params.digest, namespace.name, sieveFor(context, identity, namespace)),
  }),
];

async function explain(
  { stores }: ApiContext,
  text: string,
  namespace: string | null,
  sieve: Sieve | null,
): Promise<z.input<typeof explanationSchema>> {
  const { reasons, ...rest } = await explainContent(stores, parseDigest(text), namespace, sieve);
  return {
    ...rest,
    reasons: reasons.map((reason) => ({
      ...reason,
      restorableUntil: toTimestampOrNull(reason.restorableUntil),
      until: toTimestampOrNull(reason.until),
    })),
  };
}

/** Lets through what a member may pull, and of deleted repositories what they may restore. */
function sieveFor(context: ApiContext, identity: Identity, { role }: Namespace): Sieve {
  const { metadata, origin } = context;
  const reader = new CatalogReader(metadata, identity, origin);
  return async (repositories) => {
    const { there = [], deleted = [] } = Object.groupBy(repositories, ({ restorableUntil }) =>
      restorableUntil === null ? 'there' : 'deleted',
    );
    const readable = new Set(await reader.readable(there.map(({ name }) => name)));
    const restorable = roleAllows(role, 'create')
      ? await deletable(
          { context, identity, origin },
          deleted.map(({ name }) => name),
        )
      : new Set();
    return [
      ...there.filter(({ name }) => readable.has(name)),
      ...deleted.filter(({ name }) => restorable.has(name)),
    ];
  };
}
