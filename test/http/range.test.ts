import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import {
  formatContentRange,
  formatUploadRange,
  parseChunkRange,
  parseRange,
} from '../../src/http/range.ts';
import { RegistryError } from '../../src/oci/errors.ts';

fc.configureGlobal({ seed: inject('seed') });

const size = fc.integer({ min: 1, max: 60_000_000_000 });
const offset = fc.oneof(fc.nat(100), fc.integer({ min: 0, max: 2 ** 53 - 1 }));

describe('parseRange', () => {
  test('what it answers is inside the content and inside what was asked', () => {
    fc.assert(
      fc.property(size, offset, offset, (length, first, last) => {
        const header = `bytes=${first}-${last}`;
        if (first > last || first >= length) {
          expect(() => parseRange(header, length)).toThrow(RegistryError);
        } else {
          expect(parseRange(header, length)).toEqual({ first, last: Math.min(last, length - 1) });
        }
      }),
    );
  });

  test('a suffix is the end of the content, or all of it', () => {
    fc.assert(
      fc.property(size, fc.integer({ min: 1, max: 2 ** 53 - 1 }), (length, suffix) => {
        const range = { first: Math.max(0, length - suffix), last: length - 1 };
        expect(parseRange(`bytes=-${suffix}`, length)).toEqual(range);
      }),
    );
  });

  test('an open range goes to the end', () => {
    fc.assert(
      fc.property(size, fc.nat(), (length, seed) => {
        const first = seed % length;
        expect(parseRange(`bytes=${first}-`, length)).toEqual({ first, last: length - 1 });
      }),
    );
  });

  test('anything else means the whole, and nothing but a range is ever a failure', () => {
    const odd = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'bytes=0123456789-, ') }),
      fc.constantFrom('bytes=-', 'bytes=', 'items=0-1', 'bytes=0-0,2-2', 'bytes=1e3-', 'Bytes 0-1'),
    );
    fc.assert(
      fc.property(odd, (header) => {
        fc.pre(!/^bytes=(\d+-\d*|-\d+)$/.test(header.replaceAll(' ', '')));
        expect(parseRange(header, 100)).toBeNull();
      }),
    );
    expect(parseRange(null, 100)).toBeNull();
  });

  test('nothing of an empty blob can be asked for', () => {
    for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-1']) {
      expect(() => parseRange(header, 0)).toThrow(RegistryError);
    }
  });
});

describe('parseChunkRange', () => {
  const chunk = fc
    .tuple(fc.nat(), fc.nat())
    .map(([first, length]) => ({ first, last: first + length }));

  test('takes the form of the spec and the one of HTTP', () => {
    fc.assert(
      fc.property(chunk, fc.nat(), ({ first, last }, total) => {
        const forms = [
          `${first}-${last}`,
          `bytes ${first}-${last}/${total}`,
          `bytes ${first}-${last}/*`,
        ];
        for (const form of forms) {
          expect(parseChunkRange(form)).toEqual({ first, last });
        }
        expect(parseChunkRange(formatContentRange({ first, last }, total))).toEqual({
          first,
          last,
        });
      }),
    );
  });

  test.each([
    '',
    '-',
    '5-',
    '-5',
    '5-1',
    'a-b',
    '-1-5',
    '0-9007199254740992',
    '9'.repeat(400),
    '0-1,3-4',
    'bytes 0-4/x',
  ])('refuses "%s" with RANGE_INVALID', (header) => {
    expect(() => parseChunkRange(header)).toThrow(
      expect.objectContaining({ error: 'RANGE_INVALID' }),
    );
  });

  test('no header claims nothing', () => {
    expect(parseChunkRange(null)).toBeNull();
  });
});

test('formatUploadRange: ends at the last byte, and is "0-0" before the first', () => {
  expect(formatUploadRange(0)).toBe('0-0');
  fc.assert(
    fc.property(fc.integer({ min: 1 }), (bytes) => {
      expect(formatUploadRange(bytes)).toBe(`0-${bytes - 1}`);
    }),
  );
});
