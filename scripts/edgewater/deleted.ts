import type { Command } from 'commander';
import { formatBytes, formatCount } from './amount.ts';
import { type Api, apiPath } from './api.ts';
import { UsageError } from './errors.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';
import type { Restored, Whereabouts } from './tag-history.ts';

interface DeletedManifest {
  digest: string;
  mediaType: string;
  size: number; // bytes
  deletedAt: string;
  restorableUntil: string;
  tags: string[];
}

interface DeletedTag extends Whereabouts {
  name: string;
  digest: string;
  deletedAt: string;
  principal: string | null;
}

const MANIFESTS: Columns<DeletedManifest> = {
  digest: (manifest) => manifest.digest,
  tags: (manifest) => manifest.tags.join(' '),
  type: (manifest) => manifest.mediaType,
  size: (manifest) => formatBytes(manifest.size),
  deleted: (manifest) => manifest.deletedAt,
  'restorable until': (manifest) => manifest.restorableUntil,
};

const TAGS: Columns<DeletedTag> = {
  tag: (tag) => tag.name,
  named: (tag) => tag.digest,
  deleted: (tag) => tag.deletedAt,
  by: (tag) => tag.principal,
  manifest: (tag) => tag.manifest,
  'restorable until': (tag) => tag.restorableUntil,
};

/** deleted list, tags, restore, purge. */
export function addDeletedCommands(program: Command): void {
  const group = program.command('deleted').description('what was deleted and can be restored');
  group
    .command('list <repository>')
    .description('list deleted manifests, the newest first')
    .action(listManifests);
  group.command('tags <repository>').description('list deleted tags').action(listTags);
  group
    .command('restore <repository> <digest>')
    .description('restore a manifest with what it names, what refers to it and its last tags')
    .option('--no-tags', 'leave the tags deleted')
    .action(restore);
  group
    .command('purge <repository> [digest]')
    .description('delete a deleted manifest for good, or all with --all')
    .option('--all', 'all deleted manifests of the repository')
    .action(purge);
}

async function listManifests(repository: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/repositories/${repository}/deleted-manifests`;
  const manifests = await api.list<DeletedManifest>(path, 'manifests');
  manifests.sort((a, b) => b.deletedAt.localeCompare(a.deletedAt));
  output.list(manifests, MANIFESTS);
}

async function listTags(repository: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/repositories/${repository}/deleted-tags`;
  output.list(await api.list<DeletedTag>(path, 'tags'), TAGS);
}

async function restore(
  repository: string,
  digest: string,
  { tags: withTags }: { tags: boolean },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/repositories/${repository}/deleted-manifests/${digest}/restore`;
  const restored = await api.send<Restored>('POST', path, { withTags });
  const { manifests, tags } = restored;
  const named = tags.length === 0 ? 'no tags' : formatCount(tags.length, 'tag');
  const names = tags.length === 0 ? '' : `: ${tags.join(', ')}`;
  output.done(
    `Restored ${formatCount(manifests.length, 'manifest')} and ${named}${names}`,
    restored,
  );
}

async function purge(
  repository: string,
  digest: string | undefined,
  { all = false }: { all?: boolean },
  command: Command,
): Promise<void> {
  if (all === (digest !== undefined)) {
    throw new UsageError('name a digest, or all with --all');
  }
  const { api, output } = await openSession(command);
  const purged = await (digest === undefined
    ? purgeAll(api, apiPath`/repositories/${repository}/deleted-manifests`)
    : purgeOne(api, apiPath`/repositories/${repository}/deleted-manifests/${digest}`));
  output.done(
    purged === 0
      ? 'There was nothing to purge'
      : `${formatCount(purged, 'deleted manifest')} purged, for good; the room of the blobs comes two days ` +
          'after their push and a day after their last manifest went, or at once when the whole ' +
          'repository is deleted and purged',
    { purged },
  );
}

async function purgeOne(api: Api, path: string): Promise<number> {
  await api.send('DELETE', path);
  return 1;
}

async function purgeAll(api: Api, path: string): Promise<number> {
  for (let total = 0; ; ) {
    const { purged, hasMore } = await api.send<{ purged: number; hasMore: boolean }>(
      'DELETE',
      path,
    );
    total += purged;
    if (!hasMore) {
      return total;
    }
  }
}
