import { inParallel } from '../../edgewater/in-parallel.ts';
import { Client } from '../client.ts';
import { type Published, Repository } from '../repository.ts';
import type { Server } from '../server.ts';
import type { Tokens } from '../tokens.ts';

/** docker's: https://docs.docker.com/reference/cli/dockerd/ max-concurrent-downloads */
const DOWNLOADS = 3;

/** Pulls an image as a docker that was just started does: it has no connection and no token. */
export async function pullAsDocker(
  { url }: Server,
  tokens: Tokens,
  { repository, tag, manifest, blobs }: Published,
  isCompared: boolean,
): Promise<void> {
  const client = new Client(DOWNLOADS);
  try {
    await client.ask({ method: 'GET', url: `${url}/v2/`, expected: 401 });
    const authorization = await tokens.fetch(client, [repository], 'pull');
    const source = new Repository(client, url, repository, async () => authorization);
    await source.headManifest(tag, manifest);
    await source.pullManifest(manifest.digest, manifest);
    await inParallel(blobs, DOWNLOADS, (blob) =>
      source.pullBlob(blob, isCompared ? 'digest' : 'nothing'),
    );
  } finally {
    client.close();
  }
}
