import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';

/** After a SIGKILL the runtime needs a moment to notice that its parent is gone. */
const PORT_PATIENCE = 3000; // milliseconds

/** Reads the option of a port. @throws InvalidArgumentError */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError('It has to be a number from 0 to 65535.');
  }
  return port;
}

/**
 * A port that nobody listens on: `port`, or any for 0.
 *
 * @throws Error with one line that says what is wrong with it
 */
export async function waitForPort(port: number, host: string): Promise<number> {
  const deadline = Date.now() + PORT_PATIENCE;
  for (;;) {
    try {
      return await tryPort(port, host);
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!isTaken || Date.now() > deadline) {
        throw explainPort(error, port, host);
      }
      await sleep(100);
    }
  }
}

function tryPort(port: number, host: string): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolvePort(typeof address === 'object' && address ? address.port : port));
    });
  });
}

function explainPort(error: unknown, port: number, host: string): Error {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return new Error(`port ${port} on ${host} is taken; choose another with --port`);
    case 'EACCES':
      return new Error(`port ${port} needs privileges; choose one above 1023 with --port`);
    default:
      return new Error(`cannot listen on ${host}:${port} (${code ?? error})`);
  }
}
