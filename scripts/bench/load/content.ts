import { createHash, randomBytes } from 'node:crypto';

/** Bytes that no registry has seen, without keeping them: only the first ones are their own. */
export interface Content {
  size: number; // bytes
  digest: string;
  /** All of them, in pieces of at most `size` bytes. */
  pieces(size: number): Iterable<Uint8Array>;
}

const OWN = 64 * 2 ** 10; // bytes
const SHARED = randomBytes(2 ** 20); // what follows, again and again

/** New random content. */
export function makeContent(size: number): Content {
  const own = randomBytes(Math.min(size, OWN));
  const hash = createHash('sha256');
  for (const piece of cut(own, size, SHARED.byteLength)) {
    hash.update(piece);
  }
  return {
    size,
    digest: `sha256:${hash.digest('hex')}`,
    pieces: (pieceSize) => cut(own, size, pieceSize),
  };
}

/** Content that is a text. */
export function textContent(text: string): Content {
  const bytes = Buffer.from(text);
  return {
    size: bytes.byteLength,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    pieces: (pieceSize) => cut(bytes, bytes.byteLength, pieceSize),
  };
}

function* cut(own: Uint8Array, size: number, pieceSize: number): Generator<Uint8Array> {
  for (let at = 0; at < own.byteLength; at += pieceSize) {
    yield own.subarray(at, at + pieceSize);
  }
  for (let left = size - own.byteLength; left > 0; ) {
    for (let at = 0; at < SHARED.byteLength && left > 0; at += pieceSize) {
      const piece = SHARED.subarray(at, Math.min(at + pieceSize, at + left, SHARED.byteLength));
      left -= piece.byteLength;
      yield piece;
    }
  }
}
