import { decide } from '../auth/decide.ts';
import type { Identity } from '../auth/identity.ts';
import type { Origin } from '../auth/network.ts';
import type { Action } from '../auth/roles.ts';
import { RegistryError } from '../oci/errors.ts';
import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import {
  MAX_RUNNING,
  type NewTransfer,
  type TransferRecord,
} from '../storage/metadata/transfers.ts';
import type { Context } from './context.ts';
import { type Page, readPage } from './page.ts';

/** Who asks for a transfer, and from where. */
export interface TransferVisit {
  context: Context;
  identity: Identity;
  origin: Origin;
}

/**
 * Starts a transfer, for those who may pull its source and push to its target. What the repositories below
 * a prefix are is not known before it runs, so that takes an administrator of the system. Rights are asked
 * for once: whoever loses them later has to be stopped with {@link cancelTransfer}.
 *
 * @param start has the Durable Object go on; when that fails the clock does it
 * @throws DENIED, ACCOUNT_INVALID when the source is in no mirror, TOOMANYREQUESTS
 */
export async function startTransfer(
  { context, identity, origin }: TransferVisit,
  asked: Omit<NewTransfer, 'id' | 'principal'>,
  start: (id: string) => Promise<void>,
): Promise<TransferRecord> {
  const { metadata, actor } = context;
  const { source, target, options } = asked;
  if (options.isPrefix && !identity.isAdmin) {
    throw new RegistryError('DENIED', 'all repositories below a name are for administrators');
  }
  await check(context, identity, origin, source, 'pull');
  await check(context, identity, origin, target, 'push');
  if ((await metadata.upstreams.find(namespaceOf(source))) === null) {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      `${namespaceOf(source)} is no mirror: an administrator makes it one with ` +
        `"edgewater mirror add ${namespaceOf(source)}"`,
    );
  }
  const id = crypto.randomUUID();
  const transfer = { ...asked, id, principal: identity.principal };
  const entry = {
    event: 'transfer.start',
    namespace: namespaceOf(target),
    target: id,
    after: JSON.stringify(asked),
  };
  if (!(await metadata.transfers.create(transfer, actor, entry))) {
    throw new RegistryError(
      'TOOMANYREQUESTS',
      `${MAX_RUNNING} transfers are running: wait until one is done, or cancel one`,
    );
  }
  await start(id).catch((error) => console.error(`The transfer ${id} waits for the clock:`, error));
  return getTransfer(context, identity, id);
}

/** One's own transfers, the newest first; all of them for an administrator of the system. */
export function listTransfers(
  { metadata }: Context,
  { isAdmin, principal }: Identity,
  { after, limit }: { after: number; limit: number },
): Promise<Page<TransferRecord>> {
  const before = after === 0 ? Number.MAX_SAFE_INTEGER : after;
  return readPage(
    { after: String(before), limit },
    (from, count) => metadata.transfers.list(isAdmin ? null : principal, Number(from), count),
    ({ number }) => String(number),
  );
}

/** @throws ACCOUNT_UNKNOWN, for somebody else's too */
export async function getTransfer(
  { metadata }: Context,
  { isAdmin, principal }: Identity,
  id: string,
): Promise<TransferRecord> {
  const transfer = await metadata.transfers.find(id);
  if (transfer === null || !(isAdmin || transfer.principal === principal)) {
    throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such transfer');
  }
  return transfer;
}

/** Ends a transfer before it is done; what was copied stays. @throws ACCOUNT_UNKNOWN, ACCOUNT_EXISTS */
export async function cancelTransfer(
  context: Context,
  identity: Identity,
  id: string,
): Promise<void> {
  const { target, progress } = await getTransfer(context, identity, id);
  const entry = { event: 'transfer.cancel', namespace: namespaceOf(target), target: id };
  const { transfers } = context.metadata;
  if (!(await transfers.end(id, 'canceled', progress, context.actor, entry))) {
    throw new RegistryError('ACCOUNT_EXISTS', 'the transfer has ended before');
  }
}

async function check(
  { metadata }: Context,
  identity: Identity,
  origin: Origin,
  repository: RepositoryName,
  action: Action,
): Promise<void> {
  const [access] = await metadata.access.find(identity.principal, [repository]);
  const decision = access && decide(identity, action, access, origin);
  if (!decision?.allowed) {
    throw new RegistryError(
      'DENIED',
      `you may not ${action} ${repository}: ${decision?.because ?? 'it is unknown'}`,
    );
  }
}
