import type { Progress } from '../upload/progress.ts';
import type { RetryPolicy } from '../upload/retry.ts';
import type { Target, Upstream } from '../upload/upstream.ts';
import { Recent } from './recent.ts';
import type { TokenMemory } from './token-memory.ts';

/** What all requests to one proxy share. */
export interface Services {
  upstream: Upstream;
  tokens: TokenMemory;
  sessions: Recent<Session>; // by the path of their location
  realms: Recent<true>; // paths that give out tokens
  chunkSize: number; // bytes
  policy: RetryPolicy;
  progress: Progress;
}

/** What is known of an upload session that began here. */
export interface Session {
  offset: number | null; // bytes; null when a body broke off, so that it has to be asked for
  minimum: number; // bytes of a chunk
}

const CAPACITY = 10_000;
const LIFETIME = 24 * 60 * 60 * 1000; // milliseconds

/** A memory of sessions, or realms. */
export function newMemory<Value>(): Recent<Value> {
  return new Recent(CAPACITY, LIFETIME);
}

/** Where a session is kept: the registry may put its state into the query, so that belongs to it. */
export function sessionKey({ origin, path }: Target): string {
  return `${origin}${path}`;
}
