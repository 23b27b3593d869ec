import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Login } from './api.ts';
import { RefusalError } from './errors.ts';
import { openImage } from './image/open-image.ts';
import { parseTarget } from './image-name.ts';
import { interruption } from './interruption.ts';
import { parsePositive } from './options.ts';
import { pushImage } from './push/push-image.ts';
import { RegistryLogin } from './push/registry-login.ts';
import { openSession } from './session.ts';
import { addChunkOptions, type ChunkOptions, chunkSizeOf } from './upload/chunk-size.ts';
import { ConnectionError } from './upload/connection-error.ts';
import { openProgress } from './upload/open-progress.ts';
import { requireRegistry } from './upload/require-registry.ts';
import { RETRY_POLICY } from './upload/retry.ts';
import { Upstream } from './upload/upstream.ts';

interface PushCommandOptions extends ChunkOptions {
  image?: string;
  concurrency: number;
  quiet?: true;
}

/** What was pushed, and where to. */
interface Pushed {
  registry: string;
  repository: string;
  tag: string;
  digest: string;
  blobs: { sent: number; present: number };
  missing: string[]; // platforms that the index names and the source lacks
}

/** push. */
export function addPushCommand(program: Command): void {
  const command = program
    .command('push <source> <repository:tag>')
    .description('push an image in chunks: an OCI layout, a docker save archive or docker:<image>')
    .option('--image <name>', 'which one, where the source has several')
    .option('--concurrency <number>', 'layers at a time', parsePositive, 4)
    .option('--quiet', 'no progress')
    .action(push);
  addChunkOptions(command);
}

async function push(
  source: string,
  name: string,
  options: PushCommandOptions,
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const target = parseTarget(name, new URL(api.registry).host);
  const chunkSize = chunkSizeOf(options);
  await requireRegistry(api.registry);
  const pushed = await withScratch((scratch, signal) =>
    pushFrom({ source, scratch, signal, ...(options.image && { image: options.image }) }, target, {
      registry: api.registry,
      login: api.login,
      chunkSize,
      concurrency: options.concurrency,
      isQuiet: options.quiet ?? false,
    }),
  );
  const { blobs, registry, repository, tag } = pushed;
  output.note(`${blobs.sent} blobs sent, ${blobs.present} were there`);
  output.note(`${repository}:${tag} is pushed to ${registry}`);
  output.done(pushed.digest, pushed);
}

interface Destination {
  registry: string;
  login: Login | null;
  chunkSize: number; // bytes
  concurrency: number;
  isQuiet: boolean;
}

async function pushFrom(
  source: Parameters<typeof openImage>[0],
  target: { repository: string; tag: string },
  { registry, login, isQuiet, ...how }: Destination,
): Promise<Pushed> {
  const progress = openProgress(isQuiet);
  const upstream = new Upstream(registry);
  const scope = `repository:${target.repository}:pull,push`;
  try {
    const image = await openImage(source);
    for (const platform of image.missing) {
      progress.warn(`the index names ${platform}, which the source does not have`);
    }
    const blobs = await pushImage(image, {
      ...target,
      ...how,
      upstream,
      progress,
      credentials: new RegistryLogin(upstream, login, scope),
      policy: RETRY_POLICY,
      signal: source.signal,
    });
    const digest = image.manifests.at(-1)?.digest ?? '';
    return { registry, ...target, digest, blobs, missing: image.missing };
  } catch (error) {
    throw error instanceof ConnectionError ? new RefusalError(error.message) : error;
  } finally {
    progress.stop();
    upstream.close();
  }
}

/** Lends a folder that is gone afterwards, on Ctrl-C too. */
async function withScratch<T>(
  work: (folder: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = interruption();
  const folder = await mkdtemp(join(tmpdir(), 'edgewater-push-'));
  try {
    return await work(folder, signal);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    // Again, while what was to be unpacked is still being written.
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
