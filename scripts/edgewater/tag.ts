import type { Command } from 'commander';
import { formatBytes } from './amount.ts';
import { apiPath, registryPath } from './api.ts';
import { UsageError } from './errors.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';
import { addTagHistoryCommands } from './tag-history.ts';
import { addTagRuleCommands } from './tag-rules.ts';

/** distribution-spec v1.1.1 "Pulling manifests". A digest in its place would be more than a tag. */
const TAG = /^\w[\w.-]{0,127}$/;

/** A tag; without a login only its name is known. */
interface Tag {
  name: string;
  digest?: string;
  size?: number; // bytes
  pushedAt?: string;
  pulls?: number;
  lastPulledAt?: string | null;
}

const COLUMNS: Columns<Tag> = {
  tag: (tag) => tag.name,
  digest: (tag) => tag.digest,
  size: (tag) => (tag.size === undefined ? null : formatBytes(tag.size)),
  pushed: (tag) => tag.pushedAt,
  'last pulled': (tag) => tag.lastPulledAt,
  pulls: (tag) => tag.pulls,
};

/** tag list, delete, rules, and what tag-history.ts adds. */
export function addTagCommands(program: Command): void {
  const group = program.command('tag').description('tags of a repository');
  group
    .command('list <repository>')
    .description('list tags, and how often each was pulled')
    .action(list);
  group
    .command('delete <repository> <tag>')
    .description('delete a tag; the manifest stays')
    .action(remove);
  addTagHistoryCommands(group);
  addTagRuleCommands(group);
}

async function list(repository: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const tags =
    api.login === null // a public repository, or an open registry
      ? (await api.tags(repository)).map((name): Tag => ({ name }))
      : await api.list<Tag>(apiPath`/repositories/${repository}/tags`, 'tags');
  output.list(tags, COLUMNS);
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
