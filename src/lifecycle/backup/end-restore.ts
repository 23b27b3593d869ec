import { RegistryError } from '../../oci/errors.ts';
import type { Actor } from '../../storage/metadata/audit.ts';
import type { Stores } from '../../storage/stores.ts';
import { openRestore } from './restore.ts';

/** Rows of each kind in one batch. */
const BATCH = 500;

/** Batches of one step. */
const MAX_BATCHES = 20;

/** Whether a step was the last one; else where the next goes on, if that has to be known. */
export interface EndProgress {
  isDone: boolean;
  next?: string;
}

/**
 * Ends the restore that is under way: takes the spare repository away, moves blobs that nothing holds to
 * the trash, and lets everybody in again. One that has ended stays so.
 *
 * @param after where an earlier step stopped; '' for the first
 * @throws ACCOUNT_UNKNOWN
 */
export async function endRestore(
  { metadata }: Stores,
  after: string,
  actor: Actor,
): Promise<EndProgress> {
  if ((await metadata.restoreStates.find())?.phase === 'done') {
    return { isDone: true };
  }
  const state = await openRestore(metadata);
  let place = after;
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    if (!(await metadata.restoreEnd.takeSpare(state, BATCH))) {
      continue;
    }
    const next = await metadata.restoreEnd.trashUnheld(place, BATCH);
    if (next === null) {
      await metadata.restoreStates.end(state, actor);
      return { isDone: true };
    }
    place = next;
  }
  return { isDone: false, next: place };
}

/**
 * Gives up the restore that is under way: no more rows are taken, and those that came go, some at a time.
 *
 * @throws ACCOUNT_UNKNOWN
 */
export async function giveUpRestore({ metadata }: Stores, actor: Actor): Promise<EndProgress> {
  const { restoreStates: states, restoreEnd } = metadata;
  let state = await states.find();
  if (state?.phase === 'open' && (await states.giveUp(state, actor))) {
    state = await states.find();
  }
  if (state?.phase !== 'given up') {
    throw new RegistryError(
      'ACCOUNT_UNKNOWN',
      'no restore is under way, so there is none to give up',
    );
  }
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    if (await restoreEnd.takeBrought(state, BATCH)) {
      await states.forget(state);
      return { isDone: true };
    }
  }
  return { isDone: false };
}
