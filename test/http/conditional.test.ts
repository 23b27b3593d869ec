import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { entityTag, isNotModified, parsePreconditions } from '../../src/http/conditional.ts';
import { digestOf } from '../../src/oci/digest.ts';

fc.configureGlobal({ seed: inject('seed') });

const digest = fc.uint8Array({ maxLength: 9 }).map((bytes) => digestOf(bytes, 'sha256'));
const ifNoneMatch = (value: string) => new Headers({ 'If-None-Match': value });

describe('isNotModified', () => {
  test('finds the digest in any list, strong, weak or without quotes', () => {
    fc.assert(
      fc.property(
        digest,
        fc.array(digest),
        fc.constantFrom('"D"', 'W/"D"', 'D'),
        (own, others, form) => {
          const tags = [...others.map(entityTag), form.replace('D', own)].join(', ');
          expect(isNotModified(ifNoneMatch(tags), own)).toBe(true);
          expect(isNotModified(ifNoneMatch(tags), digestOf(new Uint8Array(20), 'sha512'))).toBe(
            false,
          );
        },
      ),
    );
  });

  test('* is anything, no header is nothing', () => {
    const own = digestOf(new Uint8Array(), 'sha256');
    expect(isNotModified(ifNoneMatch('*'), own)).toBe(true);
    expect(isNotModified(new Headers(), own)).toBe(false);
  });

  test.each(['""', '', ',', 'W/""', '"something-else"', '"*"'])(
    '%s is not the tag of anything here',
    (value) => {
      const own = digestOf(new Uint8Array(), 'sha256');
      expect(isNotModified(ifNoneMatch(value), own)).toBe(false);
    },
  );
});

describe('parsePreconditions', () => {
  test('reads both headers', () => {
    const headers = new Headers({ 'If-Match': '"a", W/"b"', 'If-None-Match': '*' });
    expect(parsePreconditions(headers)).toEqual([
      { mustMatch: true, digests: ['a', 'b'] },
      { mustMatch: false, digests: '*' },
    ]);
    expect(parsePreconditions(new Headers())).toEqual([]);
  });
});
