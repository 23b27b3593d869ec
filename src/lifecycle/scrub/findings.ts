import type { ContentTable } from '../../storage/metadata/scrub.ts';

/** What a step may do. It looks at one object at least. */
export interface ScrubBudget {
  objects: number;
  bytes: number;
  /** Every how many-th object is read, and from which on: 1 and 0 are all. */
  sample: { every: number; offset: number };
}

/** Something that is not as it should be. */
export interface ScrubProblem {
  kind: 'missing' | 'size' | 'digest' | 'edges';
  where: ContentTable;
  repository: string | null; // of a manifest
  digest: string;
  key: string | null; // in R2
  detail: string;
}
