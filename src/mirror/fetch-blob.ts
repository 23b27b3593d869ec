import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { found } from '../storage/blob-store.ts';
import { BlobLine } from './blob-line.ts';
import { type BlobSink, openSink } from './blob-sink.ts';
import { ClientStream } from './client-stream.ts';
import type { Source } from './source.ts';

/** A blob on its way from the upstream into the store. */
export interface BlobFetch {
  /** For the first client: its bytes as they come. */
  readable: ReadableStream<Uint8Array>;
  /** Settles when it is stored, and right; rejects when nothing of it is. */
  stored: Promise<void>;
}

/**
 * Fetches a blob: what the upstream sends goes into the store, which compares the digest, and to the
 * first client at the same time.
 *
 * @param wanted its size in bytes as a manifest says, or null
 * @param isAlone whether only the first client waits for it
 * @throws BLOB_UNKNOWN, UPSTREAM_FAILED, UPSTREAM_LIMITED, UPSTREAM_REFUSED, UPSTREAM_LIED, UNAVAILABLE,
 *   QUOTA_OF_BYTES_EXCEEDED
 */
export async function fetchBlob(
  source: Source,
  digest: Digest,
  wanted: number | null,
  isAlone: () => boolean,
): Promise<BlobFetch> {
  if (wanted !== null) {
    await requireRoom(source, digest, wanted);
  }
  const line = await BlobLine.open(source, digest, wanted);
  const sink = await openSink(source, digest, line.size);
  const client = new ClientStream((offset) => openStored(source, digest, offset));
  const stored = store(line, sink, (bytes) => client.push(bytes, isAlone)).then(
    () => client.stored(),
    (error) => {
      client.fail(error);
      throw error;
    },
  );
  stored.catch(() => {}); // whoever waits for it learns of it
  return { readable: client.readable, stored };
}

/** So that bytes need not come that the commit would refuse. @throws QUOTA_OF_BYTES_EXCEEDED */
async function requireRoom(
  { stores, upstream }: Source,
  digest: Digest,
  size: number, // bytes
): Promise<void> {
  const { quotas } = stores.metadata;
  if (!(await quotas.hasRoom(upstream.namespace, size, digest))) {
    throw await quotas.refusal(upstream.namespace);
  }
}

async function store(
  line: BlobLine,
  sink: BlobSink,
  push: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const writer = sink.writable.getWriter();
  const reading = line
    .read(async (bytes) => {
      await Promise.all([writer.write(bytes), push(bytes)]);
    })
    .then(() => writer.close());
  const [read, stored] = await Promise.allSettled([
    reading.catch(async (error: unknown) => {
      await writer.abort(error).catch(() => {});
      throw error;
    }),
    sink.stored,
  ]);
  if (read.status === 'fulfilled' && stored.status === 'fulfilled') {
    return;
  }
  await sink.abandon().catch((error) => console.error('A fetch was not abandoned:', error));
  // Each takes the other with it: the line's own failure is known by its class.
  const first = read.status === 'rejected' && read.reason instanceof RegistryError ? read : stored;
  throw first.status === 'rejected' ? first.reason : (read as PromiseRejectedResult).reason;
}

async function openStored(
  { stores, repository }: Source,
  digest: Digest,
  offset: number,
): Promise<ReadableStream<Uint8Array>> {
  const { key, size } = found(await stores.metadata.blobs.find(repository, digest), digest);
  return found(await stores.blobs.openRange(key, offset, size - offset), key).body;
}
