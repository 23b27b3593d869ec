import { spawn } from 'node:child_process';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { RefusalError } from '../errors.ts';
import type { Image } from './content.ts';
import { hasCompressedLayers, readDockerArchive } from './docker-archive.ts';
import { ImageFolder } from './image-folder.ts';
import { readLayout } from './oci-layout.ts';
import { unpack } from './unpack.ts';

/** Where an image is to be read from. */
export interface ImageSource {
  source: string;
  image?: string; // which one, where the source has several
  scratch: string; // a folder for what is unpacked
  signal: AbortSignal;
}

const DOCKER = 'docker:';

/**
 * Opens an image: an OCI layout (a folder, or a tar archive of it), a tar archive of `docker save`, or
 * an image of docker's, which "docker:" before it or a name that is no file tells.
 *
 * @throws RefusalError, UsageError when the source has several images
 */
export async function openImage({ source, image, scratch, signal }: ImageSource): Promise<Image> {
  const found = source.startsWith(DOCKER) ? null : await stat(source).catch(() => null);
  const unpacked = join(scratch, 'source');
  await mkdir(unpacked);
  const folder = found?.isDirectory()
    ? new ImageFolder(source)
    : found === null
      ? await saveFromDocker(source, unpacked, signal)
      : await unpack(source, unpacked, signal);
  const isArchive = (await folder.size('manifest.json')) !== null;
  const isLayout = (await folder.size('index.json')) !== null;
  if (isLayout && (!isArchive || (await hasCompressedLayers(folder)))) {
    return readLayout(folder, image, signal);
  }
  if (!isArchive) {
    throw new RefusalError(`${source} is neither an OCI layout nor what docker save writes`);
  }
  return readDockerArchive(folder, image, scratch, signal);
}

async function saveFromDocker(
  source: string,
  folder: string,
  signal: AbortSignal,
): Promise<ImageFolder> {
  const isNamed = source.startsWith(DOCKER);
  const name = source.replace(DOCKER, '');
  const docker = spawn('docker', ['save', '--', name], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const archive = docker.stdout.pipe(new PassThrough()); // when it ends, Node drops what nobody reads
  const ending = new Promise<string | null>((resolve) => {
    docker.once('error', (error) => resolve(error.message));
    docker.once('close', (status) => resolve(status === 0 ? null : `status ${status}`));
  });
  const [unpacked, complaint, failure] = await Promise.all([
    unpack(archive, folder, signal).catch((error: Error) => error),
    text(docker.stderr),
    ending,
  ]);
  signal.throwIfAborted();
  if (failure !== null || unpacked instanceof Error) {
    const why = complaint.trim() || failure || String(unpacked);
    const noFile = isNamed ? '' : `there is no file ${name}, and `;
    throw new RefusalError(`${noFile}"docker save ${name}" says: ${why}`);
  }
  return unpacked;
}
