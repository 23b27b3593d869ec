import { rmSync } from 'node:fs';
import { link, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Makes the folder if it is not there and takes it until this process ends: two registries in one
 * folder would write over each other. A process that was killed leaves its claim behind; the next
 * one sees that it is dead.
 *
 * @returns the absolute path
 * @throws Error when another process that runs has it, or it cannot be a folder
 */
export async function takeStateFolder(folder: string): Promise<string> {
  const path = await makeFolder(folder);
  const claim = join(path, 'pid');
  while (!(await makeClaim(claim))) {
    const owner = Number(await readFile(claim, 'utf8').catch(() => ''));
    if (isRunning(owner)) {
      throw new Error(
        `the state in ${folder} is in use by process ${owner}; stop it or choose another --state ` +
          `(if that process is something else, delete ${claim})`,
      );
    }
    await rm(claim, { force: true });
  }
  process.once('exit', () => rmSync(claim, { force: true }));
  return path;
}

async function makeFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    return await realpath(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`--state ${folder} cannot be a folder (${code}); choose another`);
  }
}

/** False when there is a claim already. It appears with its content, so nobody reads half of it. */
async function makeClaim(claim: string): Promise<boolean> {
  const draft = `${claim}.${process.pid}`;
  await writeFile(draft, String(process.pid));
  try {
    await link(draft, claim);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
    return false;
  } finally {
    await rm(draft, { force: true });
  }
}

/** A claim with our own number was left by a process that had it before, in a container say. */
function isRunning(pid: number): boolean {
  try {
    return pid > 0 && pid !== process.pid && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
