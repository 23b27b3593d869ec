import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { parseWholeNumber } from '../options.ts';

/** What Cloudflare's edge takes in most zones is 100 MB, which are 95 MiB and a bit. */
const USUAL_MAXIMUM = 95; // MiB
const MAXIMUM = 475; // MiB, of the 500 MB of Enterprise

/** The options of how to cut. */
export interface ChunkOptions {
  chunkSize: number; // MiB
  largeChunks?: true;
}

/** Adds them to a command. */
export function addChunkOptions(command: Command): Command {
  return command
    .option('--chunk-size <MiB>', `1 to ${USUAL_MAXIMUM}`, parseWholeNumber, 32)
    .option('--large-chunks', `for zones that take more: up to ${MAXIMUM} MiB`);
}

/** Bytes of a chunk. @throws UsageError for more, or less, than goes through */
export function chunkSizeOf({ chunkSize, largeChunks }: ChunkOptions): number {
  const maximum = largeChunks ? MAXIMUM : USUAL_MAXIMUM;
  if (chunkSize < 1 || chunkSize > maximum) {
    const hint = largeChunks ? '' : '; where the zone takes more, add --large-chunks';
    throw new UsageError(`--chunk-size has to be from 1 to ${maximum} MiB${hint}`);
  }
  return chunkSize * 2 ** 20;
}

/** Bytes that a chunk has to have, by OCI-Chunk-Min-Length; no more than an edge lets through. */
export function smallestChunk(header: string | string[] | undefined): number {
  const minimum = /^\d+$/.test(String(header)) ? Number(header) : 0;
  return minimum > MAXIMUM * 2 ** 20 ? 0 : minimum;
}
