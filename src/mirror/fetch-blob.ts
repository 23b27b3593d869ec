import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { found, MAX_SINGLE_PUT } from '../storage/blob-store.ts';
import { blobKey } from '../storage/keys.ts';
import { ClientStream } from './client-stream.ts';
import type { Source } from './source.ts';

/** An upload's: the intent outlives the slowest line. */
const LIFETIME = 24 * 60 * 60; // seconds

const ATTEMPTS = 4;

/** Nothing at all for so long is a line that is dead. */
const STALL = 60_000; // milliseconds

/** A blob on its way from the upstream into the store. */
export interface BlobFetch {
  /** For the first client: its bytes as they come. */
  readable: ReadableStream<Uint8Array>;
  /** Settles when it is stored, and right; rejects when nothing of it is. */
  stored: Promise<void>;
}

/**
 * Fetches a blob: one answer of the upstream goes into R2, which compares the digest, and to the first
 * client at the same time. A line that breaks is taken up again where it broke.
 *
 * @param wanted its size in bytes as a manifest says, or null
 * @param isAlone whether only the first client waits for it
 * @throws BLOB_UNKNOWN, UPSTREAM_FAILED, UPSTREAM_LIMITED, UPSTREAM_REFUSED, UPSTREAM_LIED
 */
export async function fetchBlob(
  source: Source,
  digest: Digest,
  wanted: number | null,
  isAlone: () => boolean,
): Promise<BlobFetch> {
  const response = await open(source, digest, 0);
  const size = sizeOf(response, wanted);
  if (size === null || (wanted !== null && size !== wanted) || size > MAX_SINGLE_PUT) {
    await response.body?.cancel();
    throw size === null || size > MAX_SINGLE_PUT
      ? new RegistryError(
          'UPSTREAM_REFUSED',
          `the blob ${digest} has ${size ?? 'an unknown number of'} bytes`,
        )
      : new RegistryError(
          'UPSTREAM_LIED',
          `the blob ${digest} has ${size} bytes there, not ${wanted}`,
        );
  }
  const { stores, repository } = source;
  const id = crypto.randomUUID();
  const key = blobKey(id);
  await stores.metadata.uploads.announce(id, repository, key, LIFETIME);
  const client = new ClientStream(async (offset) => {
    return found(await stores.blobs.openRange(key, offset, size - offset), key).body;
  });
  const pass = new FixedLengthStream(size);
  const storing = stores.blobs.put(key, pass.readable, digest);
  const reading = pour(source, digest, response, pass.writable, (bytes) =>
    client.push(bytes, isAlone),
  );
  const stored = (async () => {
    const [read, put] = await Promise.allSettled([reading, storing]);
    if (read.status === 'rejected') {
      throw read.reason;
    }
    if (put.status === 'rejected') {
      throw put.reason;
    }
    if (!put.value) {
      throw new RegistryError(
        'UPSTREAM_LIED',
        `the upstream sent other bytes than those of ${digest}: nothing of them is kept`,
      );
    }
    if (!(await stores.metadata.uploads.commit({ id, repository, digest, size }))) {
      throw new RegistryError('UNAVAILABLE', 'the fetch took too long; try again');
    }
    client.stored();
  })().catch(async (error) => {
    client.fail(error);
    await stores.metadata.uploads.abandon(id);
    throw error;
  });
  stored.catch(() => {}); // whoever waits for it learns of it
  return { readable: client.readable, stored };
}

function sizeOf(response: Response, wanted: number | null): number | null {
  const length = response.headers.get('Content-Length');
  return length !== null && /^\d{1,15}$/.test(length) ? Number(length) : wanted;
}

async function open({ client, remote }: Source, digest: Digest, offset: number): Promise<Response> {
  const headers = {
    'Accept-Encoding': 'identity',
    ...(offset > 0 && { Range: `bytes=${offset}-` }),
  };
  const response = await client.ask({
    method: 'GET',
    repository: remote,
    path: `blobs/${digest}`,
    headers,
  });
  if (response === null) {
    throw new RegistryError('BLOB_UNKNOWN', 'the upstream does not have the blob');
  }
  return response;
}

/** Reads an answer to its end, and on from where it breaks off. */
async function pour(
  source: Source,
  digest: Digest,
  first: Response,
  into: WritableStream<Uint8Array>,
  push: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const writer = into.getWriter();
  let response = first;
  let offset = 0; // bytes that were written
  let skip = 0; // bytes of the answer that were written before
  for (let attempt = 1; ; attempt++) {
    try {
      const reader = bodyOf(response).getReader();
      for (;;) {
        const { value, done } = await read(reader);
        if (done) {
          break;
        }
        const bytes = value.subarray(Math.min(skip, value.byteLength));
        skip -= value.byteLength - bytes.byteLength;
        if (bytes.byteLength > 0) {
          const pushed = push(bytes);
          await writer.write(bytes).catch((error) => {
            throw new StoreError(error);
          });
          await pushed;
          offset += bytes.byteLength;
        }
      }
      await writer.close().catch(() => {
        throw new Error('the answer is shorter than it said');
      });
      return;
    } catch (error) {
      if (error instanceof StoreError || attempt === ATTEMPTS) {
        await writer.abort(error).catch(() => {});
        throw new RegistryError('UPSTREAM_FAILED', 'the upstream broke off while it sent the blob');
      }
      response = await open(source, digest, offset).catch(async (reason) => {
        await writer.abort(reason).catch(() => {});
        throw reason;
      });
      skip = response.status === 206 ? 0 : offset;
    }
  }
}

/** R2 takes no more: it has an answer of its own. */
class StoreError extends Error {}

function bodyOf({ body }: Response): ReadableStream<Uint8Array> {
  if (body === null) {
    throw new Error('an answer without a body');
  }
  return body;
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>) {
  const patience = new AbortController();
  const timeout = scheduler.wait(STALL, { signal: patience.signal }).then(() => {
    throw new Error('nothing came for a minute');
  });
  timeout.catch(() => {});
  try {
    return await Promise.race([reader.read(), timeout]);
  } catch (error) {
    await reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    patience.abort();
  }
}
