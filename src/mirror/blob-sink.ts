import { algorithmOf, type Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { failObject } from '../rpc/object-failure.ts';
import { fromResult } from '../rpc/result.ts';
import { MAX_SINGLE_PUT } from '../storage/blob-store.ts';
import { blobKey, uploadObjectName } from '../storage/keys.ts';
import type { Source } from './source.ts';

/** An upload's: the intent outlives the slowest line. */
const LIFETIME = 24 * 60 * 60; // seconds

/** Where the bytes of a blob go, which become one of the repository when they are right. */
export interface BlobSink {
  /** Where they go on to; an error there is told by `stored`. */
  writable: WritableStream<Uint8Array>;
  /**
   * Settles some time after the end of `writable`.
   *
   * @throws UPSTREAM_LIED when they have another digest; QUOTA_OF_BYTES_EXCEEDED,
   *   QUOTA_OF_REPOSITORIES_EXCEEDED, UPLOAD_TOO_LARGE, UNAVAILABLE
   */
  stored: Promise<void>;
  /** Makes sure that nothing stays, once `stored` has failed. */
  abandon: () => Promise<void>;
}

/** `size` is in bytes; null when nobody knows it. R2 takes in one piece what is not too large and known. */
export function openSink(source: Source, digest: Digest, size: number | null): Promise<BlobSink> {
  return size !== null && size <= MAX_SINGLE_PUT
    ? openPut(source, digest, size)
    : openUpload(source, digest, size);
}

async function openPut(
  { stores, repository }: Source,
  digest: Digest,
  size: number,
): Promise<BlobSink> {
  const { uploads } = stores.metadata;
  const id = crypto.randomUUID();
  const key = blobKey(id);
  await uploads.announce(id, repository, key, LIFETIME);
  const { readable, writable } = new FixedLengthStream(size);
  const store = async () => {
    const isRight = await stores.blobs.put(key, readable, digest).catch(async (error) => {
      await readable.cancel(error).catch(() => {}); // R2 may not have touched it
      throw error;
    });
    if (!isRight) {
      throw lied(digest);
    }
    if (!(await uploads.commit({ id, repository, digest, size }))) {
      throw new RegistryError('UNAVAILABLE', 'the fetch took too long; try again');
    }
  };
  return { writable, stored: store(), abandon: () => uploads.abandon(id) };
}

/** An upload session takes any size, part by part. */
async function openUpload(
  { sessions, repository }: Source,
  digest: Digest,
  size: number | null,
): Promise<BlobSink> {
  const id = crypto.randomUUID();
  const session = sessions.getByName(uploadObjectName(repository, id));
  fromResult(await session.start(id, repository, algorithmOf(digest)).catch(failObject));
  const { readable, writable } = new IdentityTransformStream();
  const store = async () => {
    const chunk = { body: readable, length: size, range: null };
    try {
      fromResult(await session.finish(digest, chunk).catch(failObject));
    } catch (error) {
      const isOther = error instanceof RegistryError && error.error === 'DIGEST_INVALID';
      throw isOther ? lied(digest) : error;
    }
  };
  const abandon = async () => {
    await session.cancel(); // what fails here ends with the session
  };
  return { writable, stored: store(), abandon };
}

function lied(digest: Digest): RegistryError {
  return new RegistryError(
    'UPSTREAM_LIED',
    `the upstream sent other bytes than those of ${digest}: nothing of them is kept`,
  );
}
