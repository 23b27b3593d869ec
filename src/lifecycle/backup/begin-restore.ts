import { RegistryError } from '../../oci/errors.ts';
import type { Actor } from '../../storage/metadata/audit.ts';
import type { RestoreState } from '../../storage/metadata/restore-state.ts';
import type { Stores } from '../../storage/stores.ts';
import { type BackupHeader, FORMAT, FORMAT_VERSION } from './header.ts';

/**
 * Begins a restore, or goes on with one of the same backup.
 *
 * @param lastAudit the largest id of its entries of the audit log
 * @returns 'done' when it was restored before, and nothing is left to do
 * @throws ACCOUNT_INVALID for a backup that this program cannot read, ACCOUNT_EXISTS for a registry that
 *   is in use or where another restore is under way
 */
export async function beginRestore(
  { metadata }: Stores,
  header: BackupHeader,
  lastAudit: number,
  actor: Actor,
): Promise<'open' | 'done'> {
  await requireReadable(metadata, header);
  const states = metadata.restoreStates;
  const isBegun = await states.begin(
    { backup: header.id, takenAt: header.takenAt, lastAudit },
    actor,
  );
  const state = isBegun ? null : await states.find();
  if (isBegun || (state?.backup === header.id && state.phase === 'open')) {
    return 'open';
  }
  if (state?.backup === header.id && state.phase === 'done') {
    return 'done';
  }
  throw new RegistryError('ACCOUNT_EXISTS', whyNot(state));
}

async function requireReadable(metadata: Stores['metadata'], header: BackupHeader): Promise<void> {
  if (header.format !== FORMAT || header.version !== FORMAT_VERSION) {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      `this registry reads backups of the format ${FORMAT} ${FORMAT_VERSION}, not ` +
        `${header.format} ${header.version}; deploy the version of Edgewater that made it`,
    );
  }
  const { schema } = await metadata.export.state();
  if (header.schema > schema) {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      `the backup is of a newer schema (${header.schema}) than this registry (${schema}); ` +
        'deploy the version of Edgewater that made it, or a newer one',
    );
  }
}

function whyNot(state: RestoreState | null): string {
  if (state === null || state.phase === 'done' || state.phase === 'taken back') {
    return (
      'this registry has repositories, namespaces or users, and a backup goes into an empty one only; ' +
      'restore into a new deployment'
    );
  }
  if (state.phase === 'given up') {
    return (
      `a restore of the backup of ${state.takenAt} (${state.backup}) was given up, and some of what it has ` +
      'brought is there still: take the rest back by "edgewater restore --give-up", and begin anew'
    );
  }
  const begun = new Date(state.begunAt * 1000).toISOString();
  return (
    `a restore of the backup of ${state.takenAt} (${state.backup}) is under way since ${begun}: go on with ` +
    'that backup, or take back what it has brought, by "edgewater restore --give-up", and begin anew'
  );
}
