/** How much of an unwanted body is read at most, and for how long. */
const MAX_DISCARDED = 128 * 2 ** 20; // bytes
const PATIENCE = 10_000; // milliseconds

const READ_SIZE = 256 * 2 ** 10; // bytes

/**
 * Reads what is left of a body that nobody wants, within bounds. A client that still sends when the
 * connection closes sees a reset and not the answer.
 */
export async function discard(body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader({ mode: 'byob' });
  const timer = setTimeout(() => reader.cancel().catch(() => {}), PATIENCE);
  try {
    let memory = new Uint8Array(READ_SIZE);
    for (let rest = MAX_DISCARDED; rest > 0; ) {
      const { value, done } = await reader.readAtLeast(READ_SIZE, memory);
      if (done || value === undefined) {
        return;
      }
      rest -= value.byteLength;
      memory = new Uint8Array(value.buffer);
    }
    await reader.cancel();
  } catch {
    // The sender is gone: there is nobody to spare a reset.
  } finally {
    clearTimeout(timer);
  }
}
