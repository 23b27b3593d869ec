/** As much of the bindings as this needs. */
interface Env {
  BUCKET: Bucket;
}

interface Bucket {
  put(
    key: string,
    body: ReadableStream | Uint8Array,
    options?: { sha256: string },
  ): Promise<unknown>;
  get(key: string): Promise<{ body: ReadableStream; size: number } | null>;
  createMultipartUpload(key: string): Promise<MultipartUpload>;
}

interface MultipartUpload {
  uploadPart(number: number, bytes: Uint8Array): Promise<unknown>;
  complete(parts: unknown[]): Promise<unknown>;
}

/** What the runtime adds to the reader of the standard. */
interface PartReader {
  readAtLeast<Buffer extends ArrayBufferView>(
    least: number,
    buffer: Buffer,
  ): Promise<{ value?: Buffer; done: boolean }>;
}

const PART_SIZE = 8 * 2 ** 20; // bytes, as src/uploads/part-buffer.ts has it

/**
 * A Worker that only does what R2 can: PUT a body of known length as one object, whose SHA-256 R2
 * compares with `?checked`, POST a stream as one of several parts, GET either.
 */
export default {
  async fetch(request: Request, { BUCKET }: Env): Promise<Response> {
    const { pathname: key, search } = new URL(request.url);
    if (request.method === 'GET') {
      const object = await BUCKET.get(key);
      return new Response(object?.body ?? null, {
        status: object === null ? 404 : 200,
        headers: {
          'Cache-Control': 'no-transform',
          'Content-Type': 'application/octet-stream',
          'Content-Length': String(object?.size),
        },
      });
    }
    const { body } = request;
    if (request.method === 'PUT') {
      const checksum = search === '?checked' ? { sha256: key.replace('/sha256:', '') } : undefined;
      await BUCKET.put(key, body ?? new Uint8Array(), checksum);
    } else if (body !== null) {
      await putParts(BUCKET, key, body);
    }
    return new Response(null, { status: 201 });
  },
};

/** One part is stored while the next one is read; a stream of less than one part is a single put. */
async function putParts(bucket: Bucket, key: string, body: ReadableStream): Promise<void> {
  const reader = body.getReader({ mode: 'byob' }) as unknown as PartReader;
  const read = () => reader.readAtLeast(PART_SIZE, new Uint8Array(PART_SIZE));
  const first = await read();
  if (first.done || (first.value?.byteLength ?? 0) < PART_SIZE) {
    await bucket.put(key, first.value?.slice() ?? new Uint8Array());
    return;
  }
  const upload = await bucket.createMultipartUpload(key);
  const parts: Promise<unknown>[] = [];
  for (let chunk = first; chunk.value !== undefined && chunk.value.byteLength > 0; ) {
    const isLast = chunk.value.byteLength < PART_SIZE;
    await parts.at(-1);
    parts.push(upload.uploadPart(parts.length + 1, isLast ? chunk.value.slice() : chunk.value));
    if (isLast || chunk.done) {
      break;
    }
    chunk = await read();
  }
  await upload.complete(await Promise.all(parts));
}
