import { type Command, Option } from 'commander';
import { apiPath } from './api.ts';
import { UsageError } from './errors.ts';
import { parseTime } from './options.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';

/** What became of a manifest. */
export interface Whereabouts {
  manifest: string | null; // "present", "deleted" or "gone"
  restorableUntil: string | null;
}

interface Change extends Whereabouts {
  at: string;
  digest: string | null;
  previous: string | null;
  principal: string | null;
}

/** What a restore brought back. */
export interface Restored {
  digest: string;
  manifests: string[];
  tags: string[];
}

const COLUMNS: Columns<Change> = {
  time: (change) => change.at,
  digest: (change) => change.digest ?? 'deleted',
  by: (change) => change.principal,
  manifest: (change) => change.manifest,
  'restorable until': (change) => change.restorableUntil,
};

/** tag history, show, restore. */
export function addTagHistoryCommands(group: Command): void {
  group
    .command('history <repository> <tag>')
    .description('show what a tag named, the newest first')
    .action(history);
  group
    .command('show <repository> <tag>')
    .description('print the digest that a tag names, or named at a time: to pull by')
    .option('--at <time>', 'as 2026-01-31T12:00:00Z, or 30m, 12h, 7d ago', parseTime)
    .action(show);
  group
    .command('restore <repository> <tag>')
    .description('point a tag at what it named before its last change')
    .addOption(
      new Option('--at <time>', 'at what it named then: as 2026-01-31T12:00:00Z, or 7d ago')
        .argParser(parseTime)
        .conflicts('digest'),
    )
    .option('--digest <digest>', 'at a digest that it has named')
    .action(restore);
}

async function history(
  repository: string,
  tag: string,
  _: unknown,
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/repositories/${repository}/tags/${tag}/history`;
  output.list(await api.list<Change>(path, 'changes'), COLUMNS);
}

async function show(
  repository: string,
  tag: string,
  { at }: { at?: string },
  command: Command,
): Promise<void> {
  if (tag.includes('@')) {
    throw new UsageError(`"${tag}" is not a tag; a time goes into --at <time>`);
  }
  const { api, output } = await openSession(command);
  const path = apiPath`/repositories/${repository}/tags/${tag}`;
  const change = await api.get<Change>(path, { at });
  if (change.manifest !== 'present') {
    const until = change.restorableUntil;
    output.note(
      until === null
        ? 'the manifest is gone'
        : `the manifest is deleted; "edgewater deleted restore" brings it back until ${until}`,
    );
  }
  output.done(change.digest ?? '', change);
}

async function restore(
  repository: string,
  tag: string,
  body: { at?: string; digest?: string },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/repositories/${repository}/tags/${tag}/restore`;
  const restored = await api.send<Restored>('POST', path, body);
  output.done(`The tag ${tag} of ${repository} names ${restored.digest}`, restored);
}
