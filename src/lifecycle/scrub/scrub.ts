/**
 * Compares what D1 says with what R2 has, a bounded step at a time: whoever asks goes on at the place
 * where the last step ended. What changes meanwhile is looked at again before it is reported.
 *
 * ```
 *  blobs ──▶ manifests ──▶ deleted_manifests ──▶ bucket
 *  each object is there, has its size and hash;   no object is there
 *  each manifest names what its edges say         that no row names
 * ```
 */
import { RegistryError } from '../../oci/errors.ts';
import type { Actor } from '../../storage/metadata/audit.ts';
import type { DamagedObject } from '../../storage/metadata/damage.ts';
import type { ContentTable, ContentTotal } from '../../storage/metadata/scrub.ts';
import type { Stores } from '../../storage/stores.ts';
import { scrubBucket } from './bucket.ts';
import { scrubContent } from './content.ts';
import type { ScrubBudget, ScrubProblem } from './findings.ts';

export const STAGES = ['blobs', 'manifests', 'deleted_manifests', 'bucket'] as const;

type Stage = (typeof STAGES)[number];

/** Where a step begins: `after` is what the step before gave. */
export interface ScrubPlace {
  stage: Stage;
  after: string;
}

/** What a step found. */
export interface ScrubStep {
  looked: number; // rows, or objects of the bucket's list
  objects: number; // that were read
  bytes: number; // of those
  problems: ScrubProblem[];
  orphans: { objects: number; bytes: number };
  next: ScrubPlace | null; // null at the end
}

/** How many repositories are told at once that content is damaged; elsewhere answers run out. */
const MAX_TOLD = 100;

/** How much there is to look at. Notes that somebody begins. */
export async function beginScrub({ metadata }: Stores, actor: Actor): Promise<ContentTotal> {
  await metadata.audit.add(actor, { event: 'scrub.start' });
  return metadata.scrub.total();
}

/**
 * Looks at some more. Objects that are damaged are marked: nobody is served them any more, and pushing
 * the content again mends it.
 *
 * @throws ACCOUNT_INVALID for a place that no step gave; UNAVAILABLE when R2 or D1 does not answer
 */
export async function scrubStep(
  stores: Stores,
  { stage, after }: ScrubPlace,
  budget: ScrubBudget,
  actor: Actor,
): Promise<ScrubStep> {
  if (stage === 'bucket') {
    const { last, ...found } = await scrubBucket(stores, after);
    const next = last === null ? null : { stage, after: last };
    return { objects: 0, bytes: 0, problems: [], ...found, next };
  }
  if (!PLACES[stage].test(after)) {
    throw new RegistryError('ACCOUNT_INVALID', `no step of ${stage} has ended at "${after}"`);
  }
  const { damaged, whole, last, ...found } = await scrubContent(stores, stage, after, budget);
  const marked = await mark(stores, damaged, whole, actor);
  return {
    ...found,
    problems: found.problems.filter(
      ({ kind, key }) => kind === 'edges' || key === null || marked.has(key),
    ),
    orphans: { objects: 0, bytes: 0 },
    next: last === null ? following(stage) : { stage, after: last },
  };
}

const DIGEST = '(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})';

const PLACES: Readonly<Record<ContentTable, RegExp>> = {
  blobs: new RegExp(`^(?:${DIGEST})?$`),
  manifests: new RegExp(`^(?:\\d{16}/${DIGEST})?$`),
  deleted_manifests: new RegExp(`^(?:\\d{16}/${DIGEST})?$`),
};

function following(stage: Stage): ScrubPlace {
  return { stage: STAGES[STAGES.indexOf(stage) + 1] ?? 'bucket', after: '' };
}

/** Marks objects, and lets this location know. The keys of those that a row still names. */
async function mark(
  { metadata, memberships }: Stores,
  damaged: readonly DamagedObject[],
  whole: readonly string[],
  actor: Actor,
): Promise<Set<string>> {
  const marked = await metadata.damage.mark(damaged, whole, actor);
  if (marked.length > 0) {
    for (const { kind, repository, digest } of await metadata.damage.seers(marked, MAX_TOLD)) {
      await memberships.forget(kind, repository, [digest]);
    }
  }
  return new Set(marked.map(({ key }) => key));
}
