import { namespaceOf } from '../oci/repository-name.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import type { ReplicationMetadata } from '../storage/metadata/replications.ts';
import type { Stores } from '../storage/stores.ts';

/** One that said nothing for so long has lost its alarm, or never got one. */
const SILENT = 10 * 60; // seconds

const CLOCK: Actor = { principal: 'clock', address: null };

/** What a run did. */
export interface TransferRun {
  woken: number;
  replicated: number;
}

/**
 * Has transfers that stand still go on, starts those of replications that are due, and forgets those that
 * ended long ago.
 *
 * @throws AggregateError when some could not be started, after the others were
 */
export async function runTransfers(
  { metadata: { transfers, replications } }: Stores,
  start: (id: string) => Promise<void>,
): Promise<TransferRun> {
  await transfers.forgetOld();
  await disableOrphaned(replications);
  const failures: unknown[] = [];
  const isStarted = (id: string) =>
    start(id).then(
      () => 1,
      (error) => {
        failures.push(error);
        return 0;
      },
    );
  let woken = 0;
  for (const id of await transfers.silent(SILENT)) {
    woken += await isStarted(id);
  }
  let replicated = 0;
  for (const replication of await replications.due()) {
    const id = crypto.randomUUID();
    if (await replications.start(replication, id, CLOCK)) {
      replicated += await isStarted(id);
    }
  }
  if (failures.length > 0) {
    throw new AggregateError(failures, 'transfers could not be started: the next run does that');
  }
  return { woken, replicated };
}

/** A replication does not outlive the rights of the one in whose name it runs. */
async function disableOrphaned(replications: ReplicationMetadata): Promise<void> {
  for (const { name, principal, source, target, options } of await replications.orphaned()) {
    const entry = {
      event: 'replication.disable',
      namespace: namespaceOf(options.isPush ? source : target),
      target: name,
      before: principal,
    };
    await replications.disable(name, CLOCK, entry);
  }
}
