/**
 * Administers a registry:
 *
 *     npm run edgewater -- login
 *     npm run edgewater -- --help
 *     npm run --silent edgewater -- credential --minutes 60 --allow 'pull:acme/**'
 *
 * Exit code 1 when the registry refuses, 2 when the command line cannot be.
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { addAuditCommands } from './edgewater/audit.ts';
import { addBackupCommands } from './edgewater/backup.ts';
import { addCopyCommands } from './edgewater/copies.ts';
import { addDeletedCommands } from './edgewater/deleted.ts';
import { messageOf, RefusalError, UsageError } from './edgewater/errors.ts';
import { addExplainCommand } from './edgewater/explain.ts';
import { addExportCommand } from './edgewater/export.ts';
import { addGarbageCommand } from './edgewater/gc.ts';
import { addImportCommand } from './edgewater/import.ts';
import { addLoginCommands } from './edgewater/login.ts';
import { addManifestCommands } from './edgewater/manifest.ts';
import { addMemberCommands } from './edgewater/member.ts';
import { addMirrorCommands } from './edgewater/mirror.ts';
import { addNamespaceCommands } from './edgewater/namespace.ts';
import { addNetworkCommands } from './edgewater/network.ts';
import { printable } from './edgewater/output.ts';
import { addPasswordCommands } from './edgewater/password.ts';
import { addProxyCommand } from './edgewater/proxy.ts';
import { addPushCommand } from './edgewater/push.ts';
import { addReplicationCommands } from './edgewater/replication.ts';
import { addRepositoryCommands } from './edgewater/repo.ts';
import { addRestoreCommand } from './edgewater/restore.ts';
import { addRetentionCommands } from './edgewater/retention.ts';
import { addRobotCommands } from './edgewater/robot.ts';
import { addScrubCommand } from './edgewater/scrub.ts';
import { addGlobalOptions } from './edgewater/session.ts';
import { addTagCommands } from './edgewater/tag.ts';
import { addTokenCommands } from './edgewater/token.ts';
import { addTransferCommands } from './edgewater/transfer.ts';
import { addTrustCommands } from './edgewater/trust.ts';
import { addUsageCommand } from './edgewater/usage.ts';
import { addUserCommands } from './edgewater/user.ts';
import { addWhyCommand } from './edgewater/why.ts';

const program = addGlobalOptions(new Command('edgewater'))
  .description('Administer an Edgewater registry')
  .showHelpAfterError('(--help says more)')
  .exitOverride();

for (const add of [
  addLoginCommands,
  addPasswordCommands,
  addUserCommands,
  addNamespaceCommands,
  addMirrorCommands,
  addUsageCommand,
  addMemberCommands,
  addRobotCommands,
  addTokenCommands,
  addTrustCommands,
  addNetworkCommands,
  addRepositoryCommands,
  addTagCommands,
  addManifestCommands,
  addDeletedCommands,
  addRetentionCommands,
  addExplainCommand,
  addAuditCommands,
  addGarbageCommand,
  addWhyCommand,
  addBackupCommands,
  addCopyCommands,
  addRestoreCommand,
  addPushCommand,
  addProxyCommand,
  addExportCommand,
  addImportCommand,
  addTransferCommands,
  addReplicationCommands,
  addScrubCommand,
]) {
  add(program);
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1); // `… | head` has had enough
});

try {
  const { npm_lifecycle_event: script, INIT_CWD: folder } = process.env;
  if (script === 'edgewater' && folder !== undefined) {
    process.chdir(folder); // npm runs scripts in the project's folder: paths are from where one stands
  }
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong in one line, if commander has not said it. The exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError && !(error instanceof InvalidArgumentError)) {
    return error.exitCode === 0 ? 0 : 2;
  }
  process.stderr.write(`edgewater: ${printable(messageOf(error))}\n`);
  if (error instanceof UsageError || error instanceof InvalidArgumentError) {
    return 2;
  }
  const isOfTheSystem = typeof (error as NodeJS.ErrnoException).syscall === 'string'; // ENOSPC, EACCES, …
  if (!(error instanceof RefusalError || isOfTheSystem)) {
    process.stderr.write(`${error instanceof Error ? error.stack : ''}\n`);
  }
  return 1;
}
