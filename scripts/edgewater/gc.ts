import type { Command } from 'commander';
import { formatBytes } from './amount.ts';
import { type Api, apiPath } from './api.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';

/** What a run of the collector did. */
interface Collection {
  repositories: number;
  manifests: number;
  expired: number;
  links: number;
  blobs: number;
  bytes: number;
  objects: number;
  isDone: boolean;
}

/** What the next run would do, and what has to wait. */
interface Preview extends Collection {
  waiting: {
    restorable: { manifests: number; bytes: number; until: string | null };
    trash: { objects: number; bytes: number; until: string | null };
    queue: { manifests: number; blobs: number; nextReview: string | null };
  };
}

interface Row {
  what: string;
  count: number;
  size?: string;
  when?: string | null;
}

const COLUMNS: Columns<Row> = {
  what: (row) => row.what,
  count: (row) => row.count,
  size: (row) => row.size,
  until: (row) => row.when,
};

const COUNTS = [
  'repositories',
  'manifests',
  'expired',
  'links',
  'blobs',
  'bytes',
  'objects',
] as const;

/** gc. */
export function addGarbageCommand(program: Command): void {
  program
    .command('gc')
    .description('collect what nothing holds now, rather than within a quarter of an hour')
    .option('--dry-run', 'only say what the next run would collect, and what waits')
    .action(run);
}

async function run({ dryRun }: { dryRun?: true }, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/collection`;
  if (dryRun) {
    const preview = await api.send<Preview>('POST', path, { dryRun });
    output.table(preview, [...toRows(preview), ...waitingRows(preview)], COLUMNS);
    if (!preview.isDone) {
      output.note('There is more than one run does: this is what the next one would do');
    }
  } else {
    const total = await collectAll(api, path);
    output.table(total, toRows(total), COLUMNS);
  }
}

/** Runs the collector until there is nothing to do. */
async function collectAll(api: Api, path: string): Promise<Collection> {
  let total: Collection | null = null;
  do {
    const next: Collection = await api.send<Collection>('POST', path, {});
    const before: Collection | null = total;
    total = next;
    for (const name of COUNTS) {
      total[name] += before?.[name] ?? 0;
    }
  } while (!total.isDone);
  return total;
}

function toRows(collection: Collection): Row[] {
  const { repositories, manifests, expired, links, blobs, bytes, objects } = collection;
  return [
    { what: 'deleted repositories that cannot be restored any more', count: repositories },
    { what: 'manifests that nothing holds', count: manifests },
    { what: 'deleted manifests that cannot be restored any more', count: expired },
    { what: 'blobs that a repository does not need', count: links },
    { what: 'blobs that nobody needs, into the trash', count: blobs, size: formatBytes(bytes) },
    { what: 'objects out of the trash', count: objects },
  ];
}

function waitingRows({ waiting: { restorable, trash, queue } }: Preview): Row[] {
  return [
    {
      what: 'waiting: deleted manifests that can be restored',
      count: restorable.manifests,
      size: formatBytes(restorable.bytes),
      when: restorable.until,
    },
    {
      what: 'waiting: objects in the trash',
      count: trash.objects,
      // Of uploads that were given up nobody knows the size.
      size: trash.objects > 0 && trash.bytes === 0 ? 'not known' : formatBytes(trash.bytes),
      when: trash.until,
    },
    {
      what: 'waiting: manifests and blobs to look at, next',
      count: queue.manifests + queue.blobs,
      when: queue.nextReview,
    },
  ];
}
