import { discard } from './discard.ts';

const READ_SIZE = 64 * 2 ** 10; // bytes

/** The whole body, or null when it has more than `limit` bytes; the rest is then discarded. */
export async function collect(
  body: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array | null> {
  const reader = body.getReader({ mode: 'byob' });
  const chunks: Uint8Array[] = [];
  for (let length = 0; ; ) {
    const { value, done } = await reader.read(new Uint8Array(READ_SIZE));
    if (done) {
      return concatenate(chunks, length);
    }
    chunks.push(value);
    length += value.byteLength;
    if (length > limit) {
      reader.releaseLock();
      await discard(body);
      return null;
    }
  }
}

function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) {
    return first;
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
