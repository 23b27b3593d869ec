import type { Command } from 'commander';
import { Api, apiPath } from './api.ts';
import { askSecret, linesFromStdin, newPassword } from './ask.ts';
import { RefusalError, UsageError } from './errors.ts';
import { addGrant, type Grant, parseWholeNumber } from './options.ts';
import { openSession } from './session.ts';

/** Something to log in with for some minutes. */
interface Credential {
  username: string;
  password: string;
  expiresAt: string;
}

/** credential, password. */
export function addPasswordCommands(program: Command): void {
  program
    .command('credential')
    .description('print a password that ends by itself: … | docker login -u <you> --password-stdin')
    .option('--minutes <number>', 'how long it lasts, 1 to 720', parseWholeNumber, 60)
    .option('--allow <actions:glob>', 'only this, as pull,push:acme/**; repeatable', addGrant)
    .option('--name <text>', 'what the audit log calls it')
    .action(createCredential);
  program
    .command('password')
    .description('change your own password')
    .option('--password-stdin', 'standard input has two lines: the old one and the new one')
    .action(changePassword);
}

async function createCredential(
  { minutes, allow, name }: { minutes: number; allow?: Grant[]; name?: string },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const body = { minutes, grants: allow, name };
  const credential = await api.send<Credential>('POST', apiPath`/credentials`, body);
  const { username, password, expiresAt } = credential;
  output.secret(password, credential, `The user is ${username}, the password ends ${expiresAt}`);
}

/** Takes a login with the password itself: a token that leaked should not change it. */
async function changePassword(
  { passwordStdin }: { passwordStdin?: true },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  if (api.login === null) {
    throw new RefusalError('nobody is logged in; log in with "edgewater login"');
  }
  const { username } = api.login;
  const [current = '', password = ''] = passwordStdin
    ? await linesFromStdin()
    : [await askSecret(`Password of ${username}`), await newPassword(false)];
  if (password === '') {
    throw new UsageError('the new password is empty');
  }
  const withPassword = new Api(api.registry, { username, password: current });
  await withPassword.send('PUT', apiPath`/me/password`, { current, password });
  output.done(`The password of ${username} is changed; docker has to log in again`);
}
