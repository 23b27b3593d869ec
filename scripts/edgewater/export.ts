import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { formatCount } from './amount.ts';
import type { Login } from './api.ts';
import { RefusalError, UsageError } from './errors.ts';
import { fetchBlob, isThere } from './export/fetch-blob.ts';
import { fetchManifests } from './export/fetch-manifests.ts';
import { archiveLayout, writeLayout } from './export/layout.ts';
import { blobName, type Descriptor, DIGEST } from './image/content.ts';
import { parseSource } from './image-name.ts';
import { inParallel } from './in-parallel.ts';
import { interruption } from './interruption.ts';
import { parsePositive } from './options.ts';
import { RegistryLogin } from './push/registry-login.ts';
import { openSession } from './session.ts';
import { ConnectionError } from './upload/connection-error.ts';
import { openProgress } from './upload/open-progress.ts';
import type { Progress } from './upload/progress.ts';
import { RegistryClient } from './upload/registry-client.ts';
import { requireRegistry } from './upload/require-registry.ts';
import { RETRY_POLICY } from './upload/retry.ts';
import { Upstream } from './upload/upstream.ts';

interface ExportCommandOptions {
  referrers?: true;
  concurrency: number;
  quiet?: true;
}

/** export. */
export function addExportCommand(program: Command): void {
  program
    .command('export <image> <target>')
    .description('copy an image, as acme/app:v1 or acme/app@sha256:…, into a folder or a .tar file')
    .option('--referrers', 'with its signatures, SBOMs and whatever else refers to it')
    .option('--concurrency <number>', 'layers at a time', parsePositive, 4)
    .option('--quiet', 'no progress')
    .action(exportImage);
}

async function exportImage(
  name: string,
  target: string,
  options: ExportCommandOptions,
  command: Command,
): Promise<void> {
  if (/\.(?:t?gz|zip|bz2|xz|zst)$/.test(target)) {
    throw new UsageError(
      `${target}: it has to be a folder or a .tar file; compress that afterwards`,
    );
  }
  const { api, output } = await openSession(command);
  const source = parseSource(name, new URL(api.registry).host);
  await requireRegistry(api.registry);
  const isArchive = target.endsWith('.tar');
  const folder = isArchive ? `${target}.layout` : target;
  const exported = await exportTo(folder, { ...source, ...api, ...options });
  if (isArchive) {
    await archiveLayout(folder, target);
  }
  const { fetched, present } = exported.blobs;
  output.note(
    `${formatCount(fetched, 'blob')} fetched, ${present} ${present === 1 ? 'was' : 'were'} there`,
  );
  output.done(exported.digest, { ...source, target, ...exported });
}

interface Source extends ExportCommandOptions {
  registry: string;
  login: Login | null;
  repository: string;
  reference: string;
}

interface Exported {
  digest: string;
  manifests: number;
  referrers: string[];
  blobs: { fetched: number; present: number };
}

/** Writes the layout: blobs first, and what names them last. */
async function exportTo(folder: string, source: Source): Promise<Exported> {
  const { registry, login, repository, reference } = source;
  const progress = openProgress(source.quiet ?? false, 'fetched');
  const upstream = new Upstream(registry);
  const failure = new AbortController(); // of one blob ends the others
  const client = new RegistryClient({
    upstream,
    credentials: new RegistryLogin(upstream, login, `repository:${repository}:pull`),
    policy: RETRY_POLICY,
    signal: AbortSignal.any([
      failure.signal,
      interruption('broken off; the same command goes on where this one ended'),
    ]),
  });
  try {
    const image = await fetchManifests(client, repository, reference, source.referrers ?? false);
    await mkdir(folder, { recursive: true });
    const results = await inParallel(image.blobs, source.concurrency, (blob) =>
      fetchInto(folder, repository, blob, client, progress).catch((error: unknown) => {
        failure.abort(error);
        throw failure.signal.reason;
      }),
    );
    const { root, manifests, referrers } = image;
    await writeLayout(folder, manifests, [
      ...referrers.map((manifest) => ({ manifest, name: null })),
      { manifest: root, name: DIGEST.test(reference) ? null : reference },
    ]);
    await rm(join(folder, PARTIAL), { recursive: true, force: true });
    const fetched = results.filter((isFetched) => isFetched).length;
    return {
      digest: root.digest,
      manifests: manifests.length,
      referrers: referrers.map(({ digest }) => digest),
      blobs: { fetched, present: results.length - fetched },
    };
  } catch (error) {
    throw error instanceof ConnectionError ? new RefusalError(error.message) : error;
  } finally {
    progress.stop();
    upstream.close();
  }
}

/** Where blobs lie that are not whole yet: a layout may have other files beside its own. */
const PARTIAL = '.partial';

/** Fetches a blob, unless it is there. Whether it was fetched. */
async function fetchInto(
  folder: string,
  repository: string,
  { digest, size, urls }: Descriptor,
  client: RegistryClient,
  progress: Progress,
): Promise<boolean> {
  const file = join(folder, blobName(digest));
  if (await isThere({ digest, size, file })) {
    return false;
  }
  const transfer = progress.start(digest.slice(0, 19), size);
  const path = `/v2/${repository}/blobs/${digest}`;
  const partial = join(folder, PARTIAL, digest.replace(':', '-'));
  try {
    await fetchBlob(client, { digest, size, file, path, partial }, transfer);
    transfer.end(null);
    return true;
  } catch (error) {
    if ((urls ?? []).length > 0 && error instanceof RefusalError && error.status === 404) {
      transfer.end(null);
      progress.warn(`${digest} is not distributed with the image; its manifest says where it is`);
      return false;
    }
    transfer.end(error instanceof Error ? error.message : String(error));
    throw error;
  }
}
