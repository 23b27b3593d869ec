import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { PART_SIZE, PartBuffer } from '../../src/uploads/part-buffer.ts';
import { digestOf, randomBytes } from '../support/images.ts';

fc.configureGlobal({ seed: inject('seed') });

const content = randomBytes(2 * PART_SIZE + 1000);

/** Cuts a body that arrives in chunks of these sizes, as a session does. */
function cut(
  sizes: readonly number[],
  spare: boolean,
): { parts: Uint8Array[]; tail: Uint8Array; length: number } {
  const buffer = new PartBuffer();
  const parts: Uint8Array[] = [];
  let memory: Uint8Array<ArrayBuffer> | undefined;
  let offset = 0;
  for (const size of sizes) {
    const chunk = content.subarray(offset, offset + size);
    offset += chunk.byteLength;
    for (let rest = chunk; rest.byteLength > 0; ) {
      rest = buffer.append(rest);
      if (buffer.isFull) {
        const full = buffer.take(memory);
        parts.push(full.slice());
        memory = spare ? full : undefined;
      }
    }
  }
  return { parts, tail: buffer.bytes.slice(), length: offset };
}

describe('PartBuffer', () => {
  const size = fc.oneof(
    fc.nat(3),
    fc.nat(200_000),
    fc.constantFrom(65_536, 65_537, PART_SIZE - 1, PART_SIZE, PART_SIZE + 1),
  );

  test('however the bytes arrive, every part is full, the tail is not, and together they are the body', () => {
    fc.assert(
      fc.property(fc.array(size, { maxLength: 12 }), fc.boolean(), (sizes, spare) => {
        const { parts, tail, length } = cut(sizes, spare);
        expect(parts.map((part) => part.byteLength)).toEqual(parts.map(() => PART_SIZE));
        expect(tail.byteLength).toBe(length - parts.length * PART_SIZE);
        expect(tail.byteLength).toBeLessThan(PART_SIZE);
        const pieces = [...parts, tail];
        let offset = 0;
        for (const piece of pieces) {
          const original = content.subarray(offset, offset + piece.byteLength);
          expect(Buffer.compare(piece, original)).toBe(0);
          offset += piece.byteLength;
        }
      }),
      { numRuns: 60 },
    );
  });

  test('append: gives back what does not fit, and no more', () => {
    const buffer = new PartBuffer();
    expect(buffer.append(content.subarray(0, PART_SIZE - 1)).byteLength).toBe(0);
    expect(buffer.isFull).toBe(false);
    const rest = buffer.append(content.subarray(PART_SIZE - 1, PART_SIZE + 4));
    expect(buffer.isFull).toBe(true);
    expect(digestOf(rest)).toBe(digestOf(content.slice(PART_SIZE, PART_SIZE + 4)));
    expect(buffer.append(rest)).toEqual(rest);
  });

  test('take: leaves an empty buffer', () => {
    const buffer = new PartBuffer();
    buffer.append(content.subarray(0, 10));
    expect(buffer.take()).toEqual(content.slice(0, 10));
    expect(buffer.length).toBe(0);
    expect(buffer.take().byteLength).toBe(0);
  });
});
