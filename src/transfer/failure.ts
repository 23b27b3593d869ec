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

/** For how long nothing is tried while a restore is under way. */
const RESTORE_BREAK = 60; // seconds

/** For how many seconds all of the transfer has to wait after a failure; null for most. */
export function breakOf(error: unknown): number | null {
  switch (error instanceof RegistryError ? error.error : null) {
    case 'UPSTREAM_LIMITED':
      return Number((error as RegistryError).headers['Retry-After'] ?? 60);
    case 'RESTORE_UNDER_WAY':
      return RESTORE_BREAK;
    default:
      return null;
  }
}

/** The platform's words, for fetches and for its databases. */
const SPENT = /too many (?:subrequests|api requests)/i;

/** Whether the invocation has asked for more than it may: nothing is wrong with what it asked for. */
export function isSpent(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (SPENT.test(cause.message)) {
      return true;
    }
  }
  return false;
}
