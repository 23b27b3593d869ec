import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { descendantsOf, programOf } from './processes.ts';

const START = 60_000; // milliseconds
const STOP = 20_000;

/**
 * Starts a daemon and waits until `isReady` does not throw. It is ended when the bench is closed.
 * `name` is that of its log.
 *
 * @throws Error with the daemon's log, when it ends before or never gets ready
 */
export async function startDaemon(
  bench: Bench,
  command: string,
  args: readonly string[],
  isReady: () => Promise<unknown>,
  name = command,
): Promise<ChildProcess> {
  const log = join(bench.context.logs, `${name}.log`);
  const file = await open(log, 'w');
  const daemon = spawn(command, args, {
    cwd: bench.folder,
    env: bench.context.env,
    stdio: ['ignore', file.fd, file.fd],
  });
  await Promise.all([once(daemon, 'spawn'), file.close()]);
  bench.defer(() => stop(bench, daemon));
  for (const deadline = Date.now() + START; ; await sleep(200)) {
    try {
      await isReady();
      return daemon;
    } catch {
      bench.context.signal.throwIfAborted();
    }
    if (hasEnded(daemon) || Date.now() > deadline) {
      throw new Error(`${command} did not start\n${await readFile(log, 'utf8')}`);
    }
  }
}

/** A daemon killed for not ending leaves processes of its own behind, and any leaves mounts. */
async function stop(bench: Bench, daemon: ChildProcess): Promise<void> {
  const children = await descendantsOf(daemon.pid ?? 0);
  const programs = await Promise.all(children.map(programOf));
  if (!hasEnded(daemon)) {
    daemon.kill('SIGTERM');
    await Promise.race([once(daemon, 'exit'), sleep(STOP, undefined, { ref: false })]);
    daemon.kill('SIGKILL');
  }
  for (const [at, pid] of children.entries()) {
    if (programs[at] !== '' && (await programOf(pid)) === programs[at]) {
      process.kill(pid, 'SIGKILL');
    }
  }
  await unmountBelow(bench.folder);
}

/** Unmounts what is mounted in a folder, innermost first. It would else be emptied, not removed. */
export async function unmountBelow(folder: string): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  const points = mounts.split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const point of points.filter((point) => point.startsWith(`${folder}/`)).reverse()) {
    const umount = spawn('umount', ['--lazy', point], { stdio: 'ignore' });
    await once(umount, 'close');
  }
}

function hasEnded(process: ChildProcess): boolean {
  return process.exitCode !== null || process.signalCode !== null;
}
