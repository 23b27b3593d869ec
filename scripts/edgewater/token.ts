import type { Command } from 'commander';
import { apiPath } from './api.ts';
import { addGrant, formatGrants, type Grant, parseDays } from './options.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';

interface Token {
  id: string;
  name: string;
  grants: Grant[] | null;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
}

const COLUMNS: Columns<Token> = {
  id: (token) => token.id,
  name: (token) => token.name,
  'limited to': (token) => formatGrants(token.grants),
  created: (token) => token.createdAt,
  expires: (token) => token.expiresAt ?? 'never',
  'last used': (token) => token.lastUsedAt,
};

/** token list, create, revoke. */
export function addTokenCommands(program: Command): void {
  const group = program.command('token').description('your personal access tokens');
  group.command('list').description('list your tokens').action(list);
  group
    .command('create <name>')
    .description('print a new token, which is shown this once')
    .option('--allow <actions:glob>', 'only this, as pull,push:acme/**; repeatable', addGrant)
    .option('--expires-in-days <days>', '90 if not given; or "never"', parseDays)
    .action(create);
  group.command('revoke <id>').description('end a token').action(revoke);
}

async function list(_: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  output.list(await api.list<Token>(apiPath`/tokens`, 'tokens'), COLUMNS);
}

async function create(
  name: string,
  { allow, expiresInDays }: { allow?: Grant[]; expiresInDays?: number | null },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const body = { name, grants: allow, expiresInDays };
  const token = await api.send<Token & { secret: string }>('POST', apiPath`/tokens`, body);
  output.secret(token.secret, token, `Token ${token.id}, ends ${token.expiresAt ?? 'never'}`);
}

async function revoke(id: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  await api.send('DELETE', apiPath`/tokens/${id}`);
  output.done(`The token ${id} is revoked`);
}
