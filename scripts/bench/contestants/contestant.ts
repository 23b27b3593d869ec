/** Where a contestant keeps its data and its log while one round lasts. */
export interface Place {
  folder: string;
  signal: AbortSignal;
}

/** Registries take images; a limit is a Worker of a few lines that does the one thing that counts. */
export type Kind = 'registry' | 'limit';

/** One that takes part. */
export interface Contestant {
  readonly name: string;
  readonly kind: Kind;
  /** Finds or builds it: its version, or why it cannot take part. */
  prepare(): Promise<{ version: string } | { why: string }>;
  /** Starts it on an empty folder. Without `isOpen` it refuses requests that bring no token. */
  start(place: Place, isOpen?: boolean): Promise<Running>;
}

/** One that runs. */
export interface Running {
  url: string;
  /** The Authorization header for pulls and pushes in a repository, made anew; null when it is open. */
  authorize(repository: string): Promise<string | null>;
  stop(): Promise<void>;
}
