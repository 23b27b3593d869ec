/** Request bodies that arrive in ways of their own. */

/** A body without a known length, in chunks of `size` bytes. */
export function streamOf(bytes: Uint8Array, size = 100_003): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      if (offset >= bytes.byteLength) {
        controller.close();
        return;
      }
      controller.enqueue(bytes.slice(offset, offset + size));
      offset += size;
    },
  });
}

/**
 * A body that breaks off after `bytes`, as when a connection is cut. It announces `length`, if any.
 * Only for the Workers runtime, whose own streams carry the failure to the other side.
 */
export function cutBody(bytes: Uint8Array, length: number | null): ReadableStream<Uint8Array> {
  const { readable, writable } =
    length === null ? new IdentityTransformStream() : new FixedLengthStream(length);
  const writer = writable.getWriter();
  const send = async () => {
    if (bytes.byteLength > 0) {
      await writer.write(bytes);
    }
    await writer.abort(new Error('the connection was cut'));
  };
  send().catch(() => {}); // the other side has it
  return readable;
}

/** A body that sends `bytes` and then nothing until it is told to end. */
export function heldStream(bytes: Uint8Array): { body: ReadableStream<Uint8Array>; end(): void } {
  const held = Promise.withResolvers<void>();
  const chunks = streamOf(bytes).getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await chunks.read();
      if (done) {
        await held.promise;
        controller.close();
      } else {
        controller.enqueue(value);
      }
    },
  });
  return { body, end: held.resolve };
}
