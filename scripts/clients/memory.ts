import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { descendantsOf, programOf } from './processes.ts';

const LIMIT = 200e6; // bytes

/**
 * Does some work while it watches how much memory the runtime of the registry takes at most.
 *
 * @returns a remark that tells by how much it grew
 * @throws Error when that was too much
 */
export async function withinMemory(work: () => Promise<void>): Promise<string> {
  const runtime = await findRuntime();
  if (runtime === null) {
    await work();
    return 'memory not measured: the registry is not ours';
  }
  await writeFile(`/proc/${runtime}/clear_refs`, '5'); // makes the peak start anew
  const before = await memoryOf(runtime, 'VmRSS');
  await work();
  const growth = (await memoryOf(runtime, 'VmHWM')) - before;
  const remark = `workerd grew by ${Math.round(growth / 1e6)} MB at most`;
  assert.ok(growth <= LIMIT, remark);
  return remark;
}

async function findRuntime(): Promise<number | null> {
  for (const pid of await descendantsOf(process.pid)) {
    if ((await programOf(pid)) === 'workerd') {
      return pid;
    }
  }
  return null;
}

/** How much memory a process has now, or had at most. Bytes. */
export async function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
}
