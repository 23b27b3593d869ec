/** One good call of each row of the table, in an order in which each finds what it needs. */
import { ACCOUNTS } from './examples/accounts.ts';
import type { Example } from './examples/example.ts';
import { NAMESPACES } from './examples/namespaces.ts';
import { OPERATIONS } from './examples/operations.ts';
import { REPOSITORIES } from './examples/repositories.ts';
import { RESTORE } from './examples/restore.ts';
import { RULES } from './examples/rules.ts';
import { TRANSFERS } from './examples/transfers.ts';
import { UPSTREAMS } from './examples/upstreams.ts';

export const EXAMPLES: readonly Example[] = [
  ...RESTORE,
  ...ACCOUNTS,
  ...NAMESPACES,
  ...REPOSITORIES,
  ...RULES,
  ...TRANSFERS,
  ...UPSTREAMS,
  ...OPERATIONS,
];
