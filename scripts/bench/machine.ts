import { statfs } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { runtimeVersion } from './contestants/limits.ts';

/** What everything ran on. */
export interface Machine {
  cpu: string;
  cores: number;
  memory: number; // bytes
  kernel: string;
  disk: string;
  node: string;
  workerd: string;
}

/** `folder` is where the contestants keep their data. */
export async function describeMachine(folder: string): Promise<Machine> {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memory: totalmem(),
    kernel: `${type()} ${release()}`,
    disk: FILESYSTEMS[(await statfs(folder)).type] ?? 'unknown',
    node: process.version,
    workerd: await runtimeVersion(),
  };
}

/** The numbers of statfs(2). */
const FILESYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
  801189825: 'zfs',
};
