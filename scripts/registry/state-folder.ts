import { mkdir, open, readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** A state folder that belongs to this process until it is released. */
export interface StateFolder {
  path: string; // absolute
  release(): Promise<void>;
}

/**
 * Makes the folder if it is not there and takes it: two registries in one folder would write over
 * each other. A process that was killed leaves its claim behind; the next one sees that it is dead.
 *
 * @throws Error when another process that runs has it
 */
export async function takeStateFolder(folder: string): Promise<StateFolder> {
  await mkdir(folder, { recursive: true });
  const path = await realpath(folder);
  const claim = join(path, 'pid');
  await makeClaim(claim, folder);
  return { path, release: () => rm(claim, { force: true }) };
}

async function makeClaim(claim: string, folder: string): Promise<void> {
  try {
    const file = await open(claim, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
    const owner = Number(await readFile(claim, 'utf8'));
    if (isRunning(owner)) {
      throw new Error(
        `the state in ${folder} is in use by process ${owner}; stop it or choose another --state`,
      );
    }
    await rm(claim, { force: true });
    await makeClaim(claim, folder);
  }
}

function isRunning(pid: number): boolean {
  try {
    return pid > 0 && pid !== process.pid && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
