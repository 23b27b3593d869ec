import { z } from 'zod';
import type { Whereabouts } from '../storage/metadata/tag-history.ts';
import { timestamp, toTimestampOrNull } from './fields.ts';

/** The fields that say what became of a manifest. */
export const whereabouts = {
  manifest: z
    .enum(['present', 'deleted', 'gone'])
    .describe('a deleted one can be restored until restorableUntil'),
  restorableUntil: timestamp.nullable(),
};

/** Writes them. */
export function toWhereabouts({ isThere, restorableUntil }: Whereabouts): {
  manifest: 'present' | 'deleted' | 'gone';
  restorableUntil: string | null;
} {
  if (isThere) {
    return { manifest: 'present', restorableUntil: null };
  }
  return {
    manifest: restorableUntil === null ? 'gone' : 'deleted',
    restorableUntil: toTimestampOrNull(restorableUntil),
  };
}
