import { open, rename } from 'node:fs/promises';
import type { Command } from 'commander';
import { formatBytes } from './amount.ts';
import { type Api, apiPath } from './api.ts';
import { persist } from './backup/persist.ts';
import { RefusalError } from './errors.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';
import { Upstream } from './upload/upstream.ts';

/** A nightly copy of the database in the bucket. */
interface Copy {
  name: string;
  takenAt: string;
  rows: number;
  parts: number;
  size: number; // bytes
}

const COLUMNS: Columns<Copy> = {
  copy: (copy) => copy.name,
  taken: (copy) => copy.takenAt,
  rows: (copy) => copy.rows,
  size: (copy) => formatBytes(copy.size),
};

/** copy list, make, download. */
export function addCopyCommands(program: Command): void {
  const group = program.command('copy').description('nightly copies of the database in the bucket');
  group.command('list').description('list those that are whole').action(list);
  group.command('make').description('make one now').action(make);
  group
    .command('download <copy> <file>')
    .description('save one as a file, as "backup" writes it')
    .action(download);
}

async function list(_: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  output.list(await listCopies(api), COLUMNS);
}

async function make(_: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  for (;;) {
    const made = await api.send<{ copy: string | null; isDone: boolean }>(
      'POST',
      apiPath`/backup/copies`,
      {},
    );
    if (made.copy === null) {
      throw new RefusalError('there is nothing to copy, or another copy is being made just now');
    }
    if (made.isDone) {
      output.done(`There is a copy ${made.copy}`, made);
      return;
    }
  }
}

async function download(name: string, file: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  await downloadCopy(api, name, file);
  output.done(`The copy ${name} is in ${file}`, { copy: name, file });
}

/** Saves a copy as one file: gzip files may stand one behind the other (RFC 1952). @throws RefusalError */
export async function downloadCopy(api: Api, name: string, file: string): Promise<void> {
  const copy = (await listCopies(api)).find((known) => known.name === name);
  if (copy === undefined) {
    throw new RefusalError(`there is no copy ${name}; "edgewater copy list" lists them`);
  }
  const upstream = new Upstream(api.registry);
  const draft = `${file}.part`;
  const target = await open(draft, 'w', 0o600);
  try {
    for (let part = 0; part < copy.parts; part++) {
      const path = apiPath`/backup/copies/${name}/parts/${String(part)}`;
      const { status, body } = await persist(() =>
        upstream.ask({ method: 'GET', target: upstream.at(path), headers: api.authorization }),
      );
      if (status !== 200) {
        throw new RefusalError(
          `part ${part} of ${name} cannot be had (${status}); take another copy`,
        );
      }
      await target.appendFile(body);
    }
    await target.sync();
    await rename(draft, file);
  } finally {
    await target.close();
    upstream.close();
  }
}

async function listCopies(api: Api): Promise<Copy[]> {
  const { copies } = await api.get<{ copies: Copy[] }>(apiPath`/backup/copies`);
  return copies;
}
