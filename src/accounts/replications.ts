import type { Identity } from '../auth/identity.ts';
import { RegistryError } from '../oci/errors.ts';
import { namespaceOf } from '../oci/repository-name.ts';
import type { ReplicationRecord } from '../storage/metadata/replications.ts';
import type { TransferOptions, TransferRecord } from '../storage/metadata/transfers.ts';
import type { Context } from './context.ts';
import { type AskedTransfer, getTransfer, withDirection } from './transfers.ts';

/** What is set of one. */
export interface NewReplication {
  name: string;
  between: Pick<AskedTransfer, 'source' | 'target'>;
  options: Omit<TransferOptions, 'isPush'>;
  everyMinutes: number;
  isEnabled: boolean;
}

/** All of them, by name. */
export function listReplications({ metadata }: Context): Promise<ReplicationRecord[]> {
  return metadata.replications.list();
}

/** @throws ACCOUNT_UNKNOWN */
export async function getReplication(
  { metadata }: Context,
  name: string,
): Promise<ReplicationRecord> {
  const replication = await metadata.replications.find(name);
  if (replication === null) {
    throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such replication');
  }
  return replication;
}

/** Adds or changes one; it runs for the first time with the next of the clock. @throws ACCOUNT_INVALID, DENIED */
export async function setReplication(
  context: Context,
  { name, between, options, everyMinutes, isEnabled }: NewReplication,
): Promise<ReplicationRecord> {
  const { metadata, actor } = context;
  const asked = await withDirection(context, between, options);
  const replication = { name, ...asked, everyMinutes, isEnabled, principal: actor.principal };
  const before = await metadata.replications.find(name);
  const entry = {
    event: 'replication.set',
    namespace: ownNamespaceOf(asked),
    target: name,
    before: before && JSON.stringify(before),
    after: JSON.stringify(replication),
  };
  if (!(await metadata.replications.put(replication, actor, entry))) {
    throw new RegistryError('ACCOUNT_INVALID', 'there are too many replications: remove one');
  }
  return getReplication(context, name);
}

/** @throws ACCOUNT_UNKNOWN */
export async function removeReplication(context: Context, name: string): Promise<void> {
  const replication = await getReplication(context, name);
  const namespace = ownNamespaceOf(replication);
  const entry = { event: 'replication.remove', namespace, target: name };
  await context.metadata.replications.delete(name, context.actor, entry);
}

/** Starts the next transfer of one now. @throws ACCOUNT_UNKNOWN, ACCOUNT_EXISTS while its last one is running */
export async function runReplication(
  context: Context,
  identity: Identity,
  name: string,
  start: (id: string) => Promise<void>,
): Promise<TransferRecord> {
  const replication = await getReplication(context, name);
  const id = crypto.randomUUID();
  if (!(await context.metadata.replications.start(replication, id, context.actor))) {
    throw new RegistryError(
      'ACCOUNT_EXISTS',
      `its last transfer is running, or too many others are: wait until they are done, or cancel one; or ` +
        `${replication.principal}, who set it, administers the system no more: set it anew`,
    );
  }
  await start(id).catch((error) => console.error(`The transfer ${id} waits for the clock:`, error));
  return getTransfer(context, identity, id);
}

function ownNamespaceOf({ source, target, options }: AskedTransfer): string {
  return namespaceOf(options.isPush ? source : target);
}
