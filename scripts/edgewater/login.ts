import { hostname } from 'node:os';
import type { Command } from 'commander';
import { Api, apiPath, type Login, registryPath } from './api.ts';
import { ask, askSecret, passwordFromStdin } from './ask.ts';
import { configFile, forgetLogin, type StoredLogin, storedLogin, storeLogin } from './config.ts';
import { RefusalError, UsageError } from './errors.ts';
import { parseRegistry } from './registry-url.ts';
import { chosenRegistry, type GlobalOptions, openSession, outputOf } from './session.ts';

/** What the registry says of the one who asks. */
interface Me {
  principal: string;
  kind: string;
  isAdmin: boolean;
  limits: unknown[];
}

interface LoginOptions extends GlobalOptions {
  username?: string;
  passwordStdin?: true;
}

/** What the registry gave out: passwords have no such form. */
const SECRET = /^ew[a-z]_[a-z2-7]{38}$/;

/** login, logout, whoami. */
export function addLoginCommands(program: Command): void {
  program
    .command('login')
    .description('log in and keep the login; asks for what is not given')
    .option('-u, --username <name>', 'user or robot; else EDGEWATER_USER')
    .option('--password-stdin', 'the password is on standard input')
    .action(logIn);
  program
    .command('logout')
    .description('revoke the token of this login and forget it')
    .action(logOut);
  program.command('whoami').description('say who is logged in, and where').action(whoAmI);
}

async function logIn(_: unknown, command: Command): Promise<void> {
  const options = command.optsWithGlobals<LoginOptions>();
  const output = outputOf(command);
  const registry = await registryFor(options, command);
  if (await isOpen(registry)) {
    output.done(`${registry} is open: everybody may pull, push and delete there, without a login`);
    return;
  }
  const login = await askForLogin(options);
  const api = new Api(registry, login);
  const me = await api.get<Me>(apiPath`/me`).catch(explainRefusal);
  const stored = await toStored(api, me, login);
  const previous = await storedLogin(registry);
  await storeLogin(registry, stored);
  if (previous !== null && previous.secret !== stored.secret) {
    await revoke(registry, previous).catch(() => null); // it expires by itself
  }
  output.done(`Logged in to ${registry} as ${me.principal}; kept in ${configFile()}`, {
    registry,
    principal: me.principal,
  });
}

async function registryFor(options: LoginOptions, command: Command): Promise<string> {
  const usual = await chosenRegistry(command);
  const isAsked = options.registry === undefined && !options.passwordStdin && process.stdin.isTTY;
  return isAsked ? parseRegistry(await ask('Registry', usual)) : usual;
}

/** Whether there is nothing to log in to, as after `npm start -- --open`: others challenge at /v2/. */
async function isOpen(registry: string): Promise<boolean> {
  try {
    await new Api(registry, null).get(registryPath`/`);
    return true;
  } catch (error) {
    if (error instanceof RefusalError && error.status === 401) {
      return false;
    }
    throw error;
  }
}

async function askForLogin({ username, passwordStdin }: LoginOptions): Promise<Login> {
  const { EDGEWATER_USER: user = '', EDGEWATER_PASSWORD: secret = '' } = process.env;
  const name = username ?? (user || (await ask('User')));
  if (name === '' || name.includes(':')) {
    throw new UsageError('a login needs the name of a user or robot');
  }
  if (passwordStdin) {
    return { username: name, password: await passwordFromStdin() };
  }
  return { username: name, password: secret || (await askSecret('Password')) };
}

/** A password is not kept: in its place goes a token, which can be revoked. */
async function toStored(api: Api, me: Me, login: Login): Promise<StoredLogin> {
  if (me.kind !== 'user' || SECRET.test(login.password)) {
    return { username: login.username, secret: login.password, token: null };
  }
  const name = `edgewater CLI on ${hostname()}`;
  const token = await api.send<{ id: string; secret: string }>('POST', apiPath`/tokens`, { name });
  return { username: me.principal, secret: token.secret, token: token.id };
}

async function logOut(_: unknown, command: Command): Promise<void> {
  const registry = await chosenRegistry(command);
  const stored = await storedLogin(registry);
  if (stored === null) {
    outputOf(command).done(`Nobody was logged in to ${registry}`);
    return;
  }
  await forgetLogin(registry);
  try {
    await revoke(registry, stored);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new RefusalError(
      `the login is forgotten here, but its token ${stored.token} was not revoked: ${why}`,
    );
  }
  outputOf(command).done(`Logged out of ${registry}`);
}

/** Revokes the token that a login made, if it made one and that is still good. */
async function revoke(registry: string, { username, secret, token }: StoredLogin): Promise<void> {
  if (token === null) {
    return;
  }
  const api = new Api(registry, { username, password: secret });
  await api.send('DELETE', apiPath`/tokens/${token}`).catch((error: unknown) => {
    const isGone = error instanceof RefusalError && [401, 404].includes(error.status ?? 0);
    if (!isGone) {
      throw error;
    }
  });
}

async function whoAmI(_: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const me = await api.get<Me>(apiPath`/me`);
  output.item(
    { registry: api.registry, ...me },
    {
      registry: (row) => row.registry,
      principal: (row) => row.principal,
      kind: (row) => row.kind,
      'system administrator': (row) => row.isAdmin,
      limits: (row) => (row.limits.length === 0 ? null : JSON.stringify(row.limits)),
    },
  );
}

/** The one who logs in right now needs no advice to log in. */
function explainRefusal(error: unknown): never {
  if (error instanceof RefusalError && error.status === 401) {
    throw new RefusalError('the user name or the password is not right', error.status);
  }
  throw error;
}
