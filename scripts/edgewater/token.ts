import type { Command } from 'commander';
import { Api, apiPath } from './api.ts';
import { askSecret, passwordFromStdin } from './ask.ts';
import { addGrant, type Days, formatGrants, type Grant, parseDays, toExpiry } from './options.ts';
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

interface CreateOptions {
  allow?: Grant[];
  expiresInDays?: Days;
  askPassword?: true;
  passwordStdin?: true;
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
    .description(
      'print a new token, which is shown this once; it ends with this login ("edgewater logout") ' +
        'unless you give your password',
    )
    .option('--allow <actions:glob>', 'only this, as pull,push:acme/**; repeatable', addGrant)
    .option('--expires-in-days <days>', '90 if not given; or "never"', parseDays)
    .option('--ask-password', 'asks for your password: the token outlives this login')
    .option('--password-stdin', 'the same; your password is on standard input')
    .action(create);
  group.command('revoke <id>').description('end a token, and what was made with it').action(revoke);
}

async function list(_: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  output.list(await api.list<Token>(apiPath`/tokens`, 'tokens'), COLUMNS);
}

async function create(name: string, options: CreateOptions, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const maker = await withPassword(api, options);
  const body = { name, grants: options.allow, ...toExpiry(options.expiresInDays) };
  const token = await maker.send<Token & { secret: string }>('POST', apiPath`/tokens`, body);
  output.secret(token.secret, token, `Token ${token.id}, ends ${token.expiresAt ?? 'never'}`);
}

/** The registry, asked with the password: what is made with a token ends with that token. */
async function withPassword(api: Api, { askPassword, passwordStdin }: CreateOptions): Promise<Api> {
  if (api.login === null || (!askPassword && !passwordStdin)) {
    return api;
  }
  const { username } = api.login;
  const password = passwordStdin
    ? await passwordFromStdin()
    : await askSecret(`Password of ${username}`);
  return new Api(api.registry, { username, password });
}

async function revoke(id: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  await api.send('DELETE', apiPath`/tokens/${id}`);
  output.done(`The token ${id} is revoked`);
}
