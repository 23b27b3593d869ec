import type { Command } from 'commander';
import { registryPath } from './api.ts';
import { UsageError } from './errors.ts';
import { openSession } from './session.ts';
import { addTagRuleCommands } from './tag-rules.ts';

/** distribution-spec v1.1.1 "Pulling manifests". A digest in its place would be more than a tag. */
const TAG = /^\w[\w.-]{0,127}$/;

/** tag list, delete, rules. */
export function addTagCommands(program: Command): void {
  const group = program.command('tag').description('tags of a repository');
  group.command('list <repository>').description('list tags').action(list);
  group
    .command('delete <repository> <tag>')
    .description('delete a tag; the manifest stays')
    .action(remove);
  addTagRuleCommands(group);
}

async function list(repository: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const tags = await api.tags(repository);
  output.list(tags, { tag: (tag) => tag });
}

async function remove(
  repository: string,
  tag: string,
  _: unknown,
  command: Command,
): Promise<void> {
  if (!TAG.test(tag)) {
    throw new UsageError(`"${tag}" is not a tag`);
  }
  const { api, output } = await openSession(command);
  await api.send('DELETE', registryPath`/${repository}/manifests/${tag}`);
  output.done(`The tag ${tag} of ${repository} is deleted`);
}
