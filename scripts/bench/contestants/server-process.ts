import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Place } from './contestant.ts';

const START = 60_000; // milliseconds
const STOP = 10_000;

/** How to start a server, and how to tell that it is ready. */
export interface ServerCommand {
  command: string;
  args: readonly string[];
  env?: Record<string, string>;
  isReady(log: string): boolean | Promise<boolean>;
}

/**
 * Starts a server as a process of its own and waits until it is ready.
 *
 * @returns what ends it
 * @throws Error with its log, when it ends before
 */
export async function startProcess(
  { folder, signal }: Place,
  { command, args, env, isReady }: ServerCommand,
): Promise<() => Promise<void>> {
  const path = join(folder, 'log');
  const log = await open(path, 'w');
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', log.fd, log.fd],
    detached: true, // Ctrl-C is for us: we stop it when its folder may go
  });
  await Promise.all([once(child, 'spawn'), log.close()]);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const stop = async () => {
    if (!hasEnded()) {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await Promise.race([exit, sleep(STOP, undefined, { ref: false })]);
      child.kill('SIGKILL');
    }
  };
  for (const deadline = Date.now() + START; ; await sleep(50)) {
    const text = await readFile(path, 'utf8');
    if (!hasEnded() && (await isReady(text))) {
      return stop;
    }
    if (hasEnded() || signal.aborted || Date.now() > deadline) {
      await stop();
      signal.throwIfAborted();
      throw new Error(`${command} did not start\n${text}`);
    }
  }
}

/** Whether anything at all is answered there. */
export async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    async (response) => {
      await response.body?.cancel();
      return true;
    },
    () => false,
  );
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') {
    throw new Error('no port is free');
  }
  return address.port;
}
