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
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
  0x2fc12fc1: 'zfs',
};
