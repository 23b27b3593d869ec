import { RegistryError } from '../oci/errors.ts';
import type { Stores } from '../storage/stores.ts';
import { type Collection as Collected, collect } from './collect.ts';
import { drain } from './drain.ts';

/** What a run of the collector did, or would do. */
export interface Collection extends Collected {
  repositories: number; // deleted ones that cannot be restored any more, with all that they had
}

/**
 * Collects what the clock would, when somebody asks for it.
 *
 * @throws RESTORE_UNDER_WAY: much is there then that nothing holds yet
 */
export async function collectAll(stores: Stores): Promise<Collection> {
  if (await stores.metadata.restoreStates.isUnderWay()) {
    throw new RegistryError('RESTORE_UNDER_WAY');
  }
  const drained = await drain(stores);
  const collected = await collect(stores);
  return {
    ...collected,
    repositories: drained.repositories,
    blobs: collected.blobs + drained.blobs,
    bytes: collected.bytes + drained.bytes,
    isDone: drained.isDone && collected.isDone,
  };
}
