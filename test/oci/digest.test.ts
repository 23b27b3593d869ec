import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import {
  algorithmOf,
  digestOf,
  encodedOf,
  isDigest,
  parseDigest,
  parseDigestAlgorithm,
} from '../../src/oci/digest.ts';
import { RegistryError } from '../../src/oci/errors.ts';
import { digestOf as independentDigestOf } from '../support/images.ts';

fc.configureGlobal({ seed: inject('seed') });

const algorithm = fc.constantFrom('sha256' as const, 'sha512' as const);
const hexDigit = fc.constantFrom(...'0123456789abcdef');
const digest = algorithm.chain((name) => {
  const length = name === 'sha256' ? 64 : 128;
  return fc
    .string({ unit: hexDigit, minLength: length, maxLength: length })
    .map((encoded) => `${name}:${encoded}`);
});

describe('parseDigest', () => {
  test('every digest of the grammar is taken apart and put together again', () => {
    fc.assert(
      fc.property(digest, (text) => {
        const parsed = parseDigest(text);
        expect(`${algorithmOf(parsed)}:${encodedOf(parsed)}`).toBe(text);
      }),
    );
  });

  test('one character more, less or other is refused with DIGEST_INVALID', () => {
    const foreign = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
      .filter((c) => !/^[0-9a-f]$/.test(c));
    fc.assert(
      fc.property(digest, fc.nat(1_000), foreign, hexDigit, (text, position, other, digit) => {
        const start = text.indexOf(':') + 1;
        const at = start + (position % (text.length - start));
        const broken = [
          text + digit,
          text.slice(0, -1),
          text.slice(0, at) + other + text.slice(at + 1),
          text.slice(start),
          text.toUpperCase(),
          ` ${text}`,
          `${text}\n`,
        ];
        for (const bad of broken) {
          expect(() => parseDigest(bad), bad).toThrow(RegistryError);
        }
      }),
    );
  });

  test('any other text is no digest, and asking never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(isDigest(text)).toBe(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text));
      }),
    );
  });

  test.each([
    '',
    ':',
    'sha256:',
    '__proto__:',
    'constructor:',
    'md5:d41d8cd98f00b204e9800998ecf8427e',
  ])('"%s" is refused', (text) => {
    expect(() => parseDigest(text)).toThrow(/sha256:<64/);
  });
});

test('parseDigestAlgorithm: takes sha256 and sha512 and nothing that objects inherit', () => {
  expect(['sha256', 'sha512'].map(parseDigestAlgorithm)).toEqual(['sha256', 'sha512']);
  for (const text of ['md5', 'SHA256', '', '__proto__', 'toString', 'hasOwnProperty']) {
    expect(() => parseDigestAlgorithm(text)).toThrow(RegistryError);
  }
});

test('digestOf: is what an independent implementation says', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), algorithm, (bytes, name) => {
      expect(digestOf(bytes, name)).toBe(independentDigestOf(bytes, name));
      expect(isDigest(digestOf(bytes, name))).toBe(true);
    }),
  );
});
