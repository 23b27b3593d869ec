import type { Stores } from '../storage/stores.ts';
import { copyDatabase } from './backup/nightly-copy.ts';
import { collect } from './collect.ts';
import { drain } from './drain.ts';
import { evict } from './evict.ts';
import { reconcile } from './reconcile.ts';
import { runDue } from './retention/run.ts';
import { takeSteps } from './steps.ts';
import { runTransfers } from './transfers.ts';

/** An upload whose own alarm has not ended it this long after its end has lost the alarm. */
const OVERDUE = 60 * 60; // seconds

/** Entries of the audit log that one run looks at: half a million a day. */
const AUDIT_ENTRIES = 5000;

/**
 * What the cron trigger starts, every quarter of an hour. A step that fails does not keep the others
 * from their work; it is tried again by the next run.
 *
 * @param startTransfer has the transfer of an id go on
 * @returns what each step says of itself
 * @throws AggregateError when steps have failed, so that the run counts as failed
 */
export async function runSchedule(
  stores: Stores,
  startTransfer: (id: string) => Promise<void>,
): Promise<Record<string, unknown>> {
  const { metadata } = stores;
  const steps: Record<string, () => Promise<unknown>> = {
    uploads: () => metadata.uploads.abandonOverdue(OVERDUE),
    audit: () => metadata.audit.forgetOld(AUDIT_ENTRIES),
    credentials: () => metadata.credentials.forgetExpired(),
    ...((await metadata.restoreStates.isUnderWay())
      ? {} // much is there that nothing holds yet
      : {
          repositories: () => drain(stores),
          retention: () => runDue(stores),
          reviews: () => metadata.untaggedReviews.goOn(),
          mirrors: () => evict(stores),
          transfers: () => runTransfers(stores, startTransfer),
          collection: () => collect(stores),
          orphans: () => reconcile(stores),
          copy: () => copyDatabase(stores),
        }),
  };
  const { results, failures } = await takeSteps(steps);
  if (failures.length > 0) {
    throw new AggregateError(failures, 'scheduled steps failed');
  }
  return results;
}
