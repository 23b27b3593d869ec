import type { FullMirror } from '../storage/metadata/evictions.ts';
import type { Stores } from '../storage/stores.ts';
import { takeSteps } from './steps.ts';

/** Mirrors that one run looks at, and manifests and indexes that it takes from them: the next goes on. */
const MAX_MIRRORS = 10;
const MAX_EVICTED = 25;

/** What a run took from mirrors. */
export interface Eviction {
  manifests: number;
  bytes: number; // that they held, shared or not
}

/**
 * Takes from mirrors that have more than they may keep what was not pulled for longest. Its bytes go by the
 * collector, as those of anything that was deleted. A mirror with which that fails keeps no other from its turn.
 *
 * @throws AggregateError when it failed with some
 */
export async function evict({ metadata: { evictions } }: Stores): Promise<Eviction> {
  const done: Eviction = { manifests: 0, bytes: 0 };
  const evictFrom = async ({ namespace, excess }: FullMirror) => {
    let left = excess;
    for (const evictable of await evictions.leastRecentlyPulled(namespace, MAX_EVICTED)) {
      if (left <= 0 || done.manifests >= MAX_EVICTED) {
        break;
      }
      await evictions.evict(evictable);
      left -= evictable.bytes;
      done.bytes += evictable.bytes;
      done.manifests += 1;
    }
  };
  const full = await evictions.full(MAX_MIRRORS);
  const { failures } = await takeSteps(
    Object.fromEntries(full.map((mirror) => [mirror.namespace, () => evictFrom(mirror)])),
  );
  if (failures.length > 0) {
    throw new AggregateError(failures, 'mirrors could not be made smaller');
  }
  return done;
}
