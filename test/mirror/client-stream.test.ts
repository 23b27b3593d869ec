/** What the first client of a fetch gets, however it reads. */
import { expect, test } from 'vitest';
import { ClientStream } from '../../src/mirror/client-stream.ts';

const MIB = 2 ** 20;
const alone = () => true;

const unused = () => Promise.reject(new Error('the store is not asked'));

/** The store's copy of all that was fetched, from a byte on; `cancelled` counts readers that left. */
function stored(bytes: Uint8Array) {
  const seen = { opened: [] as number[], cancelled: 0 };
  const reopen = async (offset: number) => {
    seen.opened.push(offset);
    return new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          controller.enqueue(bytes.slice(offset));
          controller.close();
        },
        cancel() {
          seen.cancelled += 1;
        },
      },
      { highWaterMark: 0 },
    );
  };
  return { seen, reopen };
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => at % 251);
}

test('a client that keeps up gets every byte as it comes, and the end when all is stored', async () => {
  const bytes = pattern(3 * MIB);
  const client = new ClientStream(unused);
  const reading = readAll(client.readable);
  for (let at = 0; at < bytes.byteLength; at += MIB) {
    await client.push(bytes.subarray(at, at + MIB), alone);
  }
  client.stored();
  expect(Buffer.compare(await reading, bytes)).toBe(0);
});

test('one that others wait behind is let go of, and reads the rest from the store', async () => {
  const bytes = pattern(8 * MIB);
  const { seen, reopen } = stored(bytes);
  const client = new ClientStream(reopen);
  for (let at = 0; at < bytes.byteLength; at += MIB) {
    await client.push(bytes.subarray(at, at + MIB), () => false);
  }
  client.stored();
  expect(Buffer.compare(await readAll(client.readable), bytes)).toBe(0);
  expect(seen.opened).toHaveLength(1);
});

test('of one that was let go of and leaves, nothing stays open', async () => {
  const bytes = pattern(8 * MIB);
  const { seen, reopen } = stored(bytes);
  const [opened, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const client = new ClientStream(async (offset) => {
    opened.resolve();
    const stream = await reopen(offset);
    await left.promise;
    return stream;
  });
  for (let at = 0; at < bytes.byteLength; at += MIB) {
    await client.push(bytes.subarray(at, at + MIB), () => false);
  }
  client.stored();
  const reader = client.readable.getReader();
  const reading = reader.read().catch(() => null);
  await opened.promise;
  await reader.cancel();
  left.resolve();
  await reading;
  await expect.poll(() => seen.cancelled).toBe(1);
});

test('the end of what is not right is an error', async () => {
  const client = new ClientStream(unused);
  await client.push(pattern(10), alone);
  client.fail(new Error('other bytes'));
  await expect(readAll(client.readable)).rejects.toThrow('other bytes');
});

test('many together may not be as far behind as one', async () => {
  const clients = Array.from({ length: 20 }, () => new ClientStream(unused));
  const settled = clients.map(() => false);
  for (const [at, client] of clients.entries()) {
    for (let piece = 0; piece < 2; piece++) {
      void client.push(pattern(MIB), alone).then(() => {
        settled[at] = piece === 1 || (settled[at] ?? false);
      });
    }
  }
  await expect.poll(() => settled.filter(Boolean).length).toBeGreaterThan(0);
  expect(settled.filter(Boolean).length).toBeLessThanOrEqual(16);
  for (const client of clients) {
    client.fail(new Error('the end'));
  }
});
