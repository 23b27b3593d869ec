import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Availability } from './suite.ts';

/** The path of a command, or null when the machine does not have it. */
export async function findCommand(name: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // the next folder may have it
    }
  }
  return null;
}

/** Whether all these commands are here; the first tells its version with `--version`. */
export async function requireCommands(...names: [string, ...string[]]): Promise<Availability> {
  for (const name of names) {
    if ((await findCommand(name)) === null) {
      return { why: `${name} is not installed` };
    }
  }
  const { stdout } = await promisify(execFile)(names[0], ['--version']);
  return { version: /\d+(?:\.\d+)+/.exec(stdout)?.[0] ?? stdout.trim() };
}

/** The same, for what only root can do. */
export async function requireRoot(...names: [string, ...string[]]): Promise<Availability> {
  return process.getuid?.() === 0 ? requireCommands(...names) : { why: 'needs root' };
}
