import { RegistryError } from '../../oci/errors.ts';
import type { Actor } from '../../storage/metadata/audit.ts';
import type { Stores } from '../../storage/stores.ts';
import { openRestore } from './restore.ts';

/** Rows of each kind in one batch. */
const BATCH = 500;

/** Batches of one step. */
const MAX_BATCHES = 20;

/** Whether a step was the last one. */
export interface EndProgress {
  isDone: boolean;
}

/**
 * Takes a step towards the end of the restore that is under way: takes the spare repository away, moves
 * blobs that nothing holds to the trash, and lets everybody in again. One that has ended stays so.
 *
 * @throws ACCOUNT_UNKNOWN
 */
export async function endRestore({ metadata }: Stores, actor: Actor): Promise<EndProgress> {
  if (await hasEnded(metadata)) {
    return { isDone: true };
  }
  const state = await openRestore(metadata);
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    if (!(await metadata.restoreEnd.takeSpare(state, BATCH))) {
      continue;
    }
    if (await metadata.restoreEnd.trashUnheld(BATCH)) {
      if (!(await metadata.restoreStates.end(state, actor)) && !(await hasEnded(metadata))) {
        await openRestore(metadata); // which throws: it was given up meanwhile
        break;
      }
      return { isDone: true };
    }
  }
  return { isDone: false };
}

async function hasEnded({ restoreStates }: Stores['metadata']): Promise<boolean> {
  return (await restoreStates.find())?.phase === 'done';
}

/**
 * Gives up the restore that is under way: no more rows are taken, and those that came go, some at a time.
 * Of one that was given up nothing is left.
 *
 * @throws ACCOUNT_UNKNOWN
 */
export async function giveUpRestore({ metadata }: Stores, actor: Actor): Promise<EndProgress> {
  const { restoreStates: states, restoreGiveUp } = metadata;
  let state = await states.find();
  if (state?.phase === 'open') {
    await states.giveUp(state, actor);
    state = await states.find(); // which somebody else may have ended, or given up
  }
  if (state?.phase === 'taken back') {
    return { isDone: true };
  }
  if (state?.phase !== 'given up') {
    throw new RegistryError(
      'ACCOUNT_UNKNOWN',
      'no restore is under way, so there is none to give up',
    );
  }
  const isAll = await restoreGiveUp.takeBrought(state);
  return { isDone: isAll && (await states.noteTakenBack(state)) };
}
