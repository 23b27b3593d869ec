/** What is read of an upstream's headers. */
import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { parseChallenge } from '../../src/upstream/challenge.ts';
import { parseLimits } from '../../src/upstream/limits.ts';

describe('a challenge', () => {
  test.each<[string, string, string | null, string | null]>([
    [
      'Bearer realm="https://a/t",service="s",scope="repository:a:pull"',
      'https://a/t',
      's',
      'repository:a:pull',
    ],
    ['bearer realm=https://a/t', 'https://a/t', null, null],
    ['  BEARER   Realm = "https://a/t" , SERVICE=s', 'https://a/t', 's', null],
    ['Bearer service="a, realm=x",realm="https://a/t"', 'https://a/t', 'a, realm=x', null],
    ['Bearer realm="https://a/\\"t\\\\",error="invalid_token"', 'https://a/"t\\', null, null],
    [
      'Bearer realm="https://a/t",scope="repository:a:pull,push repository:b:pull"',
      'https://a/t',
      null,
      'repository:a:pull,push repository:b:pull',
    ],
    ['Bearer realm=""', '', null, null],
  ])('%s', (header, realm, service, scope) => {
    expect(parseChallenge(header)).toEqual({ scheme: 'bearer', realm, service, scope });
  });

  test.each(['Basic realm="x"', 'basic', ' BASIC realm=x, charset="UTF-8"'])('%s', (header) => {
    expect(parseChallenge(header)).toEqual({ scheme: 'basic' });
  });

  test('a very long one asks for nothing known', () => {
    expect(parseChallenge(`Bearer ${'a'.repeat(60_000)}`)).toBeNull();
    expect(parseChallenge(`Bearer realm="https://a/t",x="${'a'.repeat(60_000)}"`)).toBeNull();
  });

  test.each([null, '', 'Digest realm="x"', 'Bearer', 'Bearer service="x"', 'realm="x"', '"', '='])(
    '%s asks for nothing known',
    (header) => {
      expect(parseChallenge(header)).toBeNull();
    },
  );

  test('what is quoted is read as it was meant', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab,="\\ :/') });
    const quote = (value: string) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
    fc.assert(
      fc.property(text, text, text, (realm, service, scope) => {
        const header = `Bearer realm=${quote(realm)},service=${quote(service)},scope=${quote(scope)}`;
        expect(parseChallenge(header)).toEqual({ scheme: 'bearer', realm, service, scope });
      }),
      { seed: inject('seed') },
    );
  });

  test('any text is read in no time', () => {
    expect(parseChallenge(`Bearer ${'a'.repeat(50_000)}`)).toBeNull();
    expect(parseChallenge(`Bearer realm="${'\\'.repeat(50_001)}`)).toBeNull();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseChallenge(`Bearer ${text}`);
      }),
      { seed: inject('seed') },
    );
  });
});

describe('limits', () => {
  const now = Date.parse('2026-11-24T12:00:00Z');

  test.each<[Record<string, string>, number | null, number | null, number | null]>([
    [{}, null, null, null],
    [{ 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '7;w=21600' }, 100, 7, null],
    [{ 'ratelimit-limit': ' 100 ', 'ratelimit-remaining': '0' }, 100, 0, null],
    [{ 'ratelimit-limit': '-1', 'ratelimit-remaining': '1e9' }, null, null, null],
    [{ 'ratelimit-limit': '1'.repeat(30) }, null, null, null],
    [{ 'retry-after': '0' }, null, null, 0],
    [{ 'retry-after': '120' }, null, null, 120],
    [{ 'retry-after': 'Tue, 24 Nov 2026 12:00:30 GMT' }, null, null, 30],
    [{ 'retry-after': 'Tue, 24 Nov 2026 11:00:00 GMT' }, null, null, 0],
    [{ 'retry-after': 'soon' }, null, null, null],
  ])('%j', (headers, limit, remaining, retryAfter) => {
    expect(parseLimits(new Headers(headers), now)).toEqual({ limit, remaining, retryAfter });
  });
});
