import type { Command } from 'commander';
import { formatBytes } from './amount.ts';
import { apiPath } from './api.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';

interface Reason {
  kind: string;
  repository: string;
  restorableUntil: string | null; // when the repository is deleted
  because: string;
  until: string | null;
}

interface Explanation {
  digest: string;
  size: number | null; // bytes
  reasons: Reason[];
  hasMore: boolean;
}

const COLUMNS: Columns<Reason> = {
  repository: ({ repository, restorableUntil }) =>
    restorableUntil === null
      ? repository
      : `${repository} (deleted, restorable until ${restorableUntil})`,
  as: (reason) => reason.kind,
  because: (reason) => reason.because,
  until: (reason) => reason.until,
};

/** why. */
export function addWhyCommand(program: Command): void {
  program
    .command('why <digest>')
    .description('say what keeps a blob or a manifest; of all namespaces it takes an administrator')
    .option('--namespace <name>', 'in this one')
    .action(why);
}

async function why(
  digest: string,
  { namespace }: { namespace?: string },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const path =
    namespace === undefined
      ? apiPath`/why/${digest}`
      : apiPath`/namespaces/${namespace}/why/${digest}`;
  const explanation = await api.get<Explanation>(path);
  const { reasons, size, hasMore } = explanation;
  output.table(explanation, reasons, COLUMNS);
  if (reasons.length === 0) {
    output.note('It is not stored, or its bytes wait in the trash to be deleted');
  }
  if (size !== null) {
    output.note(`A blob of ${formatBytes(size)}`);
  }
  if (hasMore) {
    output.note('There are more reasons than these');
  }
}
