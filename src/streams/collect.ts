import { discard } from './discard.ts';

const READ_SIZE = 64 * 2 ** 10; // bytes

/**
 * The whole body, or null when it has more than `limit` bytes; `leave` does away with the rest then.
 * However small the pieces are in which it comes, it takes no more memory than four times its length.
 */
export async function collect(
  body: ReadableStream<Uint8Array>,
  limit: number,
  leave: (body: ReadableStream<Uint8Array>) => Promise<void> = discard,
): Promise<Uint8Array | null> {
  const reader = body.getReader({ mode: 'byob' });
  let collected = new Uint8Array(READ_SIZE);
  let length = 0;
  for (let memory = new Uint8Array(READ_SIZE); ; ) {
    const { value, done } = await reader.readAtLeast(READ_SIZE, memory);
    if (value !== undefined) {
      if (length + value.byteLength > limit) {
        reader.releaseLock();
        await leave(body);
        return null;
      }
      collected = withRoom(collected, length, value.byteLength);
      collected.set(value, length);
      length += value.byteLength;
      memory = new Uint8Array(value.buffer);
    }
    if (done) {
      return collected.subarray(0, length);
    }
  }
}

function withRoom(memory: Uint8Array<ArrayBuffer>, length: number, more: number) {
  if (length + more <= memory.byteLength) {
    return memory;
  }
  const larger = new Uint8Array(memory.byteLength * 4);
  larger.set(memory.subarray(0, length));
  return larger;
}
