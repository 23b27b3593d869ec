import type { Chunk, ChunkReader } from '../upload/chunk-reader.ts';
import type { BucketClient } from './bucket-client.ts';
import { BucketError } from './bucket-error.ts';
import { escapeText, textOf } from './xml.ts';

/** An upload in parts has at most so many. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const MAX_PARTS = 10_000;

/** Bytes of a part of something whose size is not known. It is in memory twice, and has to be 5 MiB. */
export const PART_SIZE = 16 * 2 ** 20;

const COMPLETING_PATIENCE = 300_000; // milliseconds: a server may copy the parts together

/** Bytes of the chunks that {@link uploadObject} takes, for an object of `size` bytes. */
export function partSizeFor(size: number): number {
  return size <= PART_SIZE ? Math.max(size, 1) : Math.max(PART_SIZE, Math.ceil(size / MAX_PARTS));
}

/**
 * Makes an object of chunks: in one request if there is one, else in parts. It is there when all of it is,
 * for each request is checked by the server, and parts become an object at the end.
 *
 * @throws BucketError, SourceError
 */
export async function uploadObject(
  client: BucketClient,
  key: string,
  chunks: ChunkReader,
): Promise<void> {
  const first = await chunks.next();
  if (first.isLast) {
    await client.ask({ method: 'PUT', key, body: first.bytes });
  } else {
    await uploadInParts(client, key, first, chunks);
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html */
async function uploadInParts(
  client: BucketClient,
  key: string,
  first: Chunk,
  chunks: ChunkReader,
): Promise<void> {
  const begun = await client.ask({ method: 'POST', key, query: { uploads: '' } });
  const uploadId = textOf(begun.body.toString(), 'UploadId') ?? '';
  try {
    const tags: string[] = [];
    for (let chunk = first; ; chunk = await chunks.next()) {
      const { headers } = await client.ask({
        method: 'PUT',
        key,
        query: { partNumber: String(tags.length + 1), uploadId },
        body: chunk.bytes,
      });
      tags.push(headers.etag ?? '');
      if (chunk.isLast) {
        break;
      }
    }
    await client.ask({
      method: 'POST',
      key,
      query: { uploadId },
      body: Buffer.from(listOf(tags)),
      patience: COMPLETING_PATIENCE,
    });
  } catch (error) {
    if (!(error instanceof BucketError)) {
      // What was sent takes room. Where the bucket itself fails, its rule for old uploads ends it.
      await client.ask({ method: 'DELETE', key, query: { uploadId } }).catch(() => {});
    }
    throw error;
  }
}

function listOf(tags: readonly string[]): string {
  const parts = tags.map(
    (tag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${escapeText(tag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
}
