import { type ErrorName, RegistryError } from '../oci/errors.ts';

/** What may be otherwise the next time. */
const PASSING: readonly ErrorName[] = [
  'UPSTREAM_FAILED',
  'UPSTREAM_LIED', // a proxy in between may have, this once
  'UNAVAILABLE',
  'TOOMANYREQUESTS',
  'MANIFEST_BLOB_UNKNOWN', // the mirror let go of something in between
];

const ATTEMPTS = 5;
const FIRST_BREAK = 5_000; // milliseconds, doubled each time

/** A failure of a part of a transfer. */
export interface PartFailure {
  reason: string;
  againAt: number | null; // milliseconds since the epoch; null when it is for good
}

/** What is to be done after something failed that was tried `attempts` times before. */
export function afterFailure(error: unknown, attempts: number): PartFailure {
  if (!(error instanceof RegistryError)) {
    console.error('A part of a transfer failed:', error);
  }
  const isPassing = !(error instanceof RegistryError) || PASSING.includes(error.error);
  const reason = error instanceof RegistryError ? error.message : 'unexpected failure; see the log';
  return {
    reason,
    againAt: isPassing && attempts + 1 < ATTEMPTS ? Date.now() + FIRST_BREAK * 2 ** attempts : null,
  };
}

/** For how many seconds the upstream wants to be left alone; null for other failures. */
export function breakOf(error: unknown): number | null {
  return error instanceof RegistryError && error.error === 'UPSTREAM_LIMITED'
    ? Number(error.headers['Retry-After'] ?? 60)
    : null;
}

/** Has what an upstream refuses count as not there, as it does for those that do not tell the two apart. */
export function refusedIsNull(error: unknown): null {
  if (error instanceof RegistryError && error.error === 'UPSTREAM_REFUSED') {
    return null;
  }
  throw error;
}
