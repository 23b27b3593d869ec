import type { Command } from 'commander';
import { apiPath } from './api.ts';
import { openSession } from './session.ts';
import {
  failureLines,
  TRANSFER_COLUMNS,
  TRANSFER_DETAILS,
  type Transfer,
} from './transfer/transfer.ts';

/** transfer list, show, cancel. */
export function addTransferCommands(program: Command): void {
  const group = program
    .command('transfer')
    .description('copies from other registries and to them, running and ended');
  group.command('list').description('list them, the newest first').action(list);
  group.command('show <transfer>').description('show how far one is, and what failed').action(show);
  group.command('cancel <transfer>').description('end one; what was copied stays').action(cancel);
}

async function list(_: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  output.list(await api.list<Transfer>(apiPath`/transfers`, 'transfers'), TRANSFER_COLUMNS);
}

async function show(id: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const transfer = await api.get<Transfer>(apiPath`/transfers/${id}`);
  output.item(transfer, TRANSFER_DETAILS);
  for (const line of failureLines(transfer)) {
    output.note(line);
  }
}

async function cancel(id: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  await api.send('DELETE', apiPath`/transfers/${id}`);
  output.done('The transfer is canceled; what was copied stays');
}
