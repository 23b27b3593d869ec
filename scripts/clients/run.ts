import { spawn } from 'node:child_process';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** How to run a command, for those that differ from the rest. */
export interface RunOptions {
  timeout?: number; // milliseconds
  input?: string; // a file
  output?: string; // a file; without one the output is returned
  errors?: string; // a file for the other stream
  env?: Record<string, string>;
}

/** Where a command runs. Its folder gets a log of each stream of each command. */
export interface RunContext {
  folder: string;
  logs: string;
  env: Record<string, string>;
  signal: AbortSignal;
}

/** How a command ended. The streams are files, for they may be large. */
interface Outcome {
  line: string;
  ending: string | null; // null for status 0
  output: string;
  errors: string;
}

const TIMEOUT = 120_000;
const READABLE = 4 * 1024 * 1024; // bytes of output that are taken into memory
let count = 0;

/**
 * Runs a command to its end and returns what it wrote to standard output.
 *
 * @throws Error with all that the command wrote, when it fails or takes too long
 */
export async function run(
  context: RunContext,
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const outcome = await execute(context, command, args, options);
  if (outcome.ending !== null) {
    throw new Error(`${outcome.line}\n${await transcript(outcome)}\n${outcome.ending}`);
  }
  return options.output === undefined ? await readText(outcome.output) : '';
}

/**
 * Runs a command that has to fail, and returns all it wrote.
 *
 * @throws Error when it succeeds
 */
export async function runToFailure(
  context: RunContext,
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const outcome = await execute(context, command, args, options);
  if (outcome.ending === null) {
    throw new Error(`${outcome.line}\n${await transcript(outcome)}\nit had to fail`);
  }
  return transcript(outcome);
}

async function execute(
  { folder, logs, env, signal }: RunContext,
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Outcome> {
  const log = join(logs, `${++count}-${command}`);
  const output = options.output ?? `${log}.out`;
  const errors = options.errors ?? `${log}.err`;
  const files: FileHandle[] = [];
  try {
    const input = await open(options.input ?? '/dev/null');
    files.push(input);
    const out = await open(output, 'w');
    files.push(out);
    const err = await open(errors, 'w');
    files.push(err);
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...env, ...options.env },
      stdio: [input.fd, out.fd, err.fd],
      timeout: options.timeout ?? TIMEOUT,
      killSignal: 'SIGKILL',
      signal,
    });
    const ending = await new Promise<string | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, killer) => {
        resolve(status === 0 ? null : `ended with ${status ?? `${killer}, out of time`}`);
      });
    });
    return { line: `$ ${command} ${args.join(' ')}`, ending, output, errors };
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

async function transcript({ output, errors }: Outcome): Promise<string> {
  return `${await readText(output)}${await readText(errors)}`.trimEnd();
}

async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  return size > READABLE ? `(${size} bytes in ${path})\n` : readFile(path, 'utf8');
}
