import { IsolateMemory } from './isolate-memory.ts';
import type { UnwrittenPulls } from './pull-counter.ts';

/** Of the 128 MB that an isolate has, which uploads need as well. */
const MEMBERSHIPS_SIZE = 4 * 2 ** 20; // bytes
const CONTENT_SIZE = 16 * 2 ** 20; // bytes

const MAX_FILLS = 1000;
const MAX_NAMESPACES = 1000;

/** What was answered, or, without a value, that something was deleted and only the primary knows. */
export interface Remembered {
  value?: unknown;
  until: number; // milliseconds since the epoch
}

/**
 * What the requests of one isolate have in common: nothing that the stores could not tell again, but
 * for some pulls.
 */
export class Isolate {
  readonly memberships = new IsolateMemory<Remembered>(MEMBERSHIPS_SIZE);
  readonly content = new IsolateMemory<Uint8Array>(CONTENT_SIZE);

  /** Grows when something is forgotten: an answer that was asked for before is not remembered. */
  generation = 0;

  /** What is being copied to the edge cache, each for as long as that may take. */
  readonly filling = new IsolateMemory<true>(MAX_FILLS);

  /** Until when the edge cache is not filled, for it did not keep what it was given. */
  fillsPausedUntil = 0; // milliseconds since the epoch

  /** What is known of namespaces for a few seconds; see {@link Mirrors}. */
  readonly namespaces = new IsolateMemory<unknown>(MAX_NAMESPACES);

  /** Pulls that are not written down yet; see {@link PullCounter}. */
  pulls = new Map<string, UnwrittenPulls>();

  /** When somebody has written them down, or nobody waits to do it any more. */
  pullsFlushBy = 0; // milliseconds since the epoch
}
