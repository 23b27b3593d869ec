import { rmSync } from 'node:fs';
import { mkdir, open, readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Makes the folder if it is not there and takes it until this process ends: two registries in one
 * folder would write over each other. A process that was killed leaves its claim behind; the next
 * one sees that it is dead.
 *
 * @returns the absolute path
 * @throws Error when another process that runs has it
 */
export async function takeStateFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = await realpath(folder);
  const claim = join(path, 'pid');
  await makeClaim(claim, folder);
  process.once('exit', () => rmSync(claim, { force: true }));
  return path;
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
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
