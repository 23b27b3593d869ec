import { collect } from '../streams/collect.ts';

/** For all of a body that fits memory. */
const PATIENCE = 30_000; // milliseconds

/**
 * The body of an answer. Null when it has more than `limit` bytes, breaks off, or does not come: a
 * sender that hangs would hold up everybody who waits for the same.
 */
export async function readWhole({ body }: Response, limit: number): Promise<Uint8Array | null> {
  if (body === null) {
    return null;
  }
  const { readable, writable } = new IdentityTransformStream();
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  body.pipeTo(writable, { signal: patience.signal }).catch(() => {}); // the reader learns of it
  try {
    return await collect(readable, limit, (rest) => rest.cancel()).catch(() => null);
  } finally {
    clearTimeout(timer);
    patience.abort();
  }
}
