import { z } from 'zod';
import { beginScrub, STAGES, scrubStep } from '../lifecycle/scrub/scrub.ts';
import { type Route, route } from './route.ts';

/** Each object is a read of R2 or two: an invocation may make a thousand. */
const MAX_OBJECTS = 400;
const DEFAULT_OBJECTS = 200;

/** What takes a second or so of CPU to hash. */
const DEFAULT_BYTES = 256 * 2 ** 20;
const MAX_BYTES = 2 ** 40;

const MAX_KEY = 1024; // bytes, of R2

const placeSchema = z.strictObject({ stage: z.enum(STAGES), after: z.string().max(MAX_KEY) });

const amountSchema = z.strictObject({ objects: z.int(), bytes: z.int() });

const problemSchema = z.strictObject({
  kind: z.enum(['missing', 'size', 'digest', 'edges']),
  where: z.enum(['blobs', 'manifests', 'deleted_manifests']),
  repository: z.string().nullable().describe('of a manifest'),
  digest: z.string(),
  key: z.string().nullable().describe('in R2; null for what is in D1'),
  detail: z.string(),
});

/** What is stored, compared with what is known of it. */
export const SCRUB_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/scrub',
    summary:
      'Read and hash some of what is stored; "next" is the place to go on at, null at the end',
    permission: 'system',
    body: z.strictObject({
      place: placeSchema.optional().describe('left out at the beginning'),
      objects: z.int().min(1).max(MAX_OBJECTS).default(DEFAULT_OBJECTS),
      bytes: z.int().min(1).max(MAX_BYTES).default(DEFAULT_BYTES),
      sample: z
        .strictObject({ every: z.int().min(1).max(10_000), offset: z.int().min(0) })
        .refine(({ every, offset }) => offset < every, 'offset has to be below every')
        .default({ every: 1, offset: 0 })
        .describe('one object of so many, and which ones'),
    }),
    query: null,
    status: 200,
    answer: z.strictObject({
      total: amountSchema.optional().describe('of the whole scrub, at its beginning'),
      looked: z.int().describe('rows, or objects of the list of the bucket'),
      objects: z.int().describe('that were read'),
      bytes: z.int(),
      problems: z.array(problemSchema),
      orphans: amountSchema.describe('objects that no row names'),
      next: placeSchema.nullable(),
    }),
    handle: async ({ context: { stores, actor }, body: { place, ...budget } }) => {
      const total = place === undefined ? await beginScrub(stores, actor) : undefined;
      const first = { stage: STAGES[0], after: '' };
      const step = await scrubStep(stores, place ?? first, budget, actor);
      return { ...(total && { total }), ...step };
    },
  }),
];
