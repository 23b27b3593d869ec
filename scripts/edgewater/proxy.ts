import { type Command, InvalidArgumentError } from 'commander';
import { parsePort } from '../registry/port.ts';
import { RefusalError } from './errors.ts';
import { startProxy } from './proxy/server.ts';
import { isLoopback, parseRegistry } from './registry-url.ts';
import { chosenRegistry } from './session.ts';
import { addChunkOptions, type ChunkOptions, chunkSizeOf } from './upload/chunk-size.ts';
import { openProgress } from './upload/open-progress.ts';
import { requireRegistry } from './upload/require-registry.ts';
import { RETRY_POLICY } from './upload/retry.ts';

interface ProxyCommandOptions extends ChunkOptions {
  to?: string;
  host: string;
  port: number;
  quiet?: true;
}

/** proxy. */
export function addProxyCommand(program: Command): void {
  const command = program
    .command('proxy')
    .description('let docker, podman and others push layers above the limit of the edge')
    .option('--to <url>', 'the registry; else as for every command', parseRegistry)
    .option('--port <number>', 'port to listen on, 0 for any free one', parsePort, 5001)
    .option('--host <address>', 'loopback address to listen on', parseHost, '127.0.0.1')
    .option('--quiet', 'say nothing but what goes wrong')
    .addHelpText('after', HELP)
    .action(run);
  addChunkOptions(command);
}

const HELP = `
Log in and push to the proxy instead of the registry:
  docker login localhost:5001
  docker push localhost:5001/acme/app:latest`;

async function run(options: ProxyCommandOptions, command: Command): Promise<void> {
  const to = options.to ?? (await chosenRegistry(command));
  await requireRegistry(to);
  const progress = openProgress(options.quiet ?? false);
  const proxy = await startProxy({
    to,
    host: options.host,
    port: options.port,
    chunkSize: chunkSizeOf(options),
    policy: RETRY_POLICY,
    progress,
  }).catch((error: Error) => {
    throw new RefusalError(error.message);
  });
  progress.say(`Edgewater's proxy to ${to} is ready on ${proxy.url}`);
  const { promise: interrupted, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => resolve());
  }
  await interrupted;
  await proxy.stop();
  progress.stop();
}

function parseHost(text: string): string {
  if (!isLoopback(text.includes(':') ? `[${text}]` : text)) {
    throw new InvalidArgumentError('It has to be a loopback address, as 127.0.0.1.');
  }
  return text;
}
