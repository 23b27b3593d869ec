import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** The processes that a process started, and that those started. Linux only: empty elsewhere. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc').catch(() => [])) {
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = /\) \S (\d+) /.exec(stat)?.[1]; // behind the name, which may have anything in it
    if (parent !== undefined) {
      parents.set(Number(name), Number(parent));
    }
  }
  const found = new Set([pid]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const [child, parent] of parents) {
      if (found.has(parent)) {
        found.add(child);
      }
    }
  }
  found.delete(pid);
  return [...found];
}

/** What a process runs, without its folder; empty when it has ended. */
export async function programOf(pid: number): Promise<string> {
  return basename(await readlink(`/proc/${pid}/exe`).catch(() => ''));
}
