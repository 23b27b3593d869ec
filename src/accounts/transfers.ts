import { decide } from '../auth/decide.ts';
import type { Identity } from '../auth/identity.ts';
import type { Origin } from '../auth/network.ts';
import type { Action } from '../auth/roles.ts';
import { RegistryError } from '../oci/errors.ts';
import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import {
  MAX_OWN,
  MAX_RUNNING,
  type NewTransfer,
  type TransferOptions,
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

/** What is asked for: between which repositories, and what of them. */
export type AskedTransfer = Omit<NewTransfer, 'id' | 'principal'>;

/**
 * Starts a transfer. From another registry those may who may pull its source and push to its target. What
 * the repositories below a prefix are is not known before it runs, and to another registry it is pushed with
 * the login of the upstream: both take an administrator of the system. Rights are asked for once: whoever
 * loses them later has to be stopped with {@link cancelTransfer}.
 *
 * @param start has the Durable Object go on; when that fails the clock does it
 * @throws DENIED, ACCOUNT_INVALID when neither side is another registry, TOOMANYREQUESTS
 */
export async function startTransfer(
  { context, identity, origin }: TransferVisit,
  between: Pick<AskedTransfer, 'source' | 'target'>,
  settings: Omit<TransferOptions, 'isPush'>,
  start: (id: string) => Promise<void>,
): Promise<TransferRecord> {
  const { metadata, actor } = context;
  const asked = await withDirection(context, between, settings);
  const { source, target, options } = asked;
  if ((options.isPrefix || options.isPush) && !identity.isAdmin) {
    throw new RegistryError(
      'DENIED',
      'this is for administrators of the system: all repositories below a name, or to another registry',
    );
  }
  await check(context, identity, origin, source, 'pull');
  if (!options.isPush) {
    await check(context, identity, origin, target, 'push');
  }
  const id = crypto.randomUUID();
  const transfer = { ...asked, id, principal: identity.principal };
  const entry = {
    event: 'transfer.start',
    namespace: namespaceOf(options.isPush ? source : target),
    target: id,
    after: JSON.stringify(asked),
  };
  if (!(await metadata.transfers.create(transfer, identity.isAdmin, actor, entry))) {
    const own = identity.isAdmin ? '' : `${MAX_OWN} of yours, or `;
    throw new RegistryError(
      'TOOMANYREQUESTS',
      `${own}${MAX_RUNNING} transfers are running: wait until one is done, or cancel one`,
    );
  }
  await start(id).catch((error) => console.error(`The transfer ${id} waits for the clock:`, error));
  return getTransfer(context, identity, id);
}

/**
 * Tells from which side to which it goes: one of them is another registry. A short name of Docker Hub is
 * written out.
 *
 * @throws ACCOUNT_INVALID, and DENIED when both are
 */
export async function withDirection(
  { metadata }: Context,
  between: Pick<AskedTransfer, 'source' | 'target'>,
  settings: Omit<TransferOptions, 'isPush'>,
): Promise<AskedTransfer> {
  const { target } = between;
  const source = settings.isPrefix ? between.source : withHubLibrary(between.source);
  const isMirror = async (name: RepositoryName) =>
    (await metadata.upstreams.find(namespaceOf(name))) !== null;
  const [isFromMirror, isPush] = await Promise.all([isMirror(source), isMirror(target)]);
  if (isFromMirror && isPush) {
    throw new RegistryError('DENIED', 'both are mirrors, and nobody pushes to a mirror');
  }
  if (!isFromMirror && !isPush) {
    const namespace = namespaceOf(source);
    throw new RegistryError(
      'ACCOUNT_INVALID',
      `${namespace} is no mirror, nor is ${namespaceOf(target)}: an administrator makes one of a registry ` +
        `with "edgewater mirror add"`,
    );
  }
  return { source, target, options: { ...settings, isPush } };
}

/** "docker.io/alpine" is what Docker Hub has as library/alpine. */
function withHubLibrary(name: RepositoryName): RepositoryName {
  return name.replace(/^docker\.io\/([^/]+)$/, 'docker.io/library/$1') as RepositoryName;
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
  const { source, target, options, progress } = await getTransfer(context, identity, id);
  const namespace = namespaceOf(options.isPush ? source : target);
  const entry = { event: 'transfer.cancel', namespace, target: id };
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
