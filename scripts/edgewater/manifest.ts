import type { Command } from 'commander';
import { registryPath } from './api.ts';
import { UsageError } from './errors.ts';
import { DIGEST } from './image/content.ts';
import { openSession } from './session.ts';

/** manifest delete. */
export function addManifestCommands(program: Command): void {
  const group = program.command('manifest').description('manifests of a repository');
  group
    .command('delete <repository> <digest>')
    .description('delete a manifest with its tags; it can be restored for a while')
    .action(remove);
}

async function remove(
  repository: string,
  digest: string,
  _: unknown,
  command: Command,
): Promise<void> {
  if (!DIGEST.test(digest)) {
    throw new UsageError(`"${digest}" is not a digest; "edgewater tag delete" deletes a tag`);
  }
  const { api, output } = await openSession(command);
  await api.send('DELETE', registryPath`/${repository}/manifests/${digest}`);
  output.done(
    `The manifest ${digest} of ${repository} is deleted; "edgewater deleted restore" brings it back`,
  );
}
