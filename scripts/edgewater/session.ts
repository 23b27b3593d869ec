import { type Command, Option } from 'commander';
import { Api, type Login } from './api.ts';
import { currentRegistry, storedLogin } from './config.ts';
import { UsageError } from './errors.ts';
import { Output } from './output.ts';
import { DEFAULT_REGISTRY, parseRegistry } from './registry-url.ts';

/** The options that every command has. */
export interface GlobalOptions {
  registry?: string;
  json?: true;
}

/** What a command works with. */
export interface Session {
  api: Api;
  output: Output;
}

/** Adds the options that every command has. */
export function addGlobalOptions(program: Command): Command {
  return program
    .addOption(
      new Option('--registry <url>', 'the registry; else that of the last login')
        .env('EDGEWATER_URL')
        .argParser(parseRegistry),
    )
    .option('--json', 'JSON instead of tables');
}

/**
 * The registry that a command is for, asked with the login of the environment, the one that is kept
 * for that registry, or none.
 *
 * @throws UsageError when the environment has only half a login
 */
export async function openSession(command: Command): Promise<Session> {
  const registry = await chosenRegistry(command);
  return { api: new Api(registry, await loginFor(registry)), output: outputOf(command) };
}

/** The registry that a command is for. */
export async function chosenRegistry(command: Command): Promise<string> {
  const { registry } = command.optsWithGlobals<GlobalOptions>();
  return registry ?? (await currentRegistry()) ?? DEFAULT_REGISTRY;
}

/** Where the answer of a command goes. */
export function outputOf(command: Command): Output {
  return new Output(command.optsWithGlobals<GlobalOptions>().json === true);
}

async function loginFor(registry: string): Promise<Login | null> {
  const { EDGEWATER_USER: username = '', EDGEWATER_PASSWORD: password = '' } = process.env;
  if (username !== '' && password !== '') {
    return { username, password };
  }
  if (username !== '' || password !== '') {
    throw new UsageError('set both EDGEWATER_USER and EDGEWATER_PASSWORD, or none of them');
  }
  const stored = await storedLogin(registry);
  return stored === null ? null : { username: stored.username, password: stored.secret };
}
