/**
 * Runs the registry on this machine, with all its state in one folder:
 *
 *     npm start -- --port 5000 --host 127.0.0.1 --state .edgewater --log text
 */
import { Command, Option } from 'commander';
import { DEFAULT_REGISTRY } from './edgewater/registry-url.ts';
import { adminPasswordFile } from './registry/admin-password.ts';
import { startRegistry } from './registry/local-registry.ts';
import { parsePort } from './registry/port.ts';

const options = new Command('npm start --')
  .description('Run the Edgewater registry on this machine')
  .option('--port <number>', 'port to listen on, 0 for any free one', parsePort, 5000)
  .option('--host <address>', 'loopback address to listen on', '127.0.0.1')
  .option('--state <folder>', 'where everything is kept', '.edgewater')
  .option('--open', 'no login: everybody on this machine may pull, push and delete')
  .option('--default-mirror <namespace>', 'what names without a namespace here mean: for dockerd')
  .option('--private-upstreams', 'mirrors may be of registries on this network, without https')
  .addOption(
    new Option('--log <format>', 'request log').choices(['text', 'json', 'off']).default('text'),
  )
  .parse()
  .opts();

try {
  const registry = await startRegistry({
    port: options.port,
    host: options.host,
    state: options.state,
    log: options.log,
    adminPassword: options.open ? null : 'kept',
    variables: {
      ...(options.defaultMirror && { DEFAULT_MIRROR: options.defaultMirror }),
      ...(options.privateUpstreams && { PRIVATE_UPSTREAMS: 'true' }),
    },
  });
  const message = `Edgewater is ready on ${registry.url} with its state in ${options.state}`;
  say(message);
  say(
    options.open
      ? 'Without a login: everybody on this machine may pull, push and delete'
      : hint(registry.url),
  );
  if (registry.url !== DEFAULT_REGISTRY) {
    say(`Administer it: npm run edgewater -- --help, with EDGEWATER_URL=${registry.url}`);
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Before miniflare's own listener, which would end with an error. The runtime is killed on exit:
    // every state that it can be in is one that it starts from.
    process.prependListener(signal, () => process.exit(0));
  }
} catch (error) {
  console.error(`Edgewater did not start: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

function say(message: string): void {
  console.log(options.log === 'json' ? JSON.stringify({ time: new Date(), message }) : message);
}

function hint(url: string): string {
  const { host } = new URL(url);
  return `Log in: docker login -u admin --password-stdin ${host} < ${adminPasswordFile(options.state)}`;
}
