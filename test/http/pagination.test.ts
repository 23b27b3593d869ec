import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { nextLink, parsePage } from '../../src/http/pagination.ts';

fc.configureGlobal({ seed: inject('seed') });

const page = (query: string) => parsePage(new URLSearchParams(query));

describe('parsePage', () => {
  test('n up to 1,000 is the limit, above it is 1,000, and so it is without n', () => {
    fc.assert(
      fc.property(fc.nat(), (n) => {
        expect(page(`n=${n}`)).toEqual({ limit: Math.min(n, 1000), last: '' });
      }),
    );
    expect(page('')).toEqual({ limit: 1000, last: '' });
    expect(page('n=9223372036854775808').limit).toBe(1000);
  });

  test.each(['-1', '', '1.5', '1e3', '0x10', ' 1', '١', 'NaN', '9'.repeat(21)])(
    'n=%s is refused',
    (n) => {
      const query = new URLSearchParams({ n });
      expect(() => parsePage(query)).toThrow(
        expect.objectContaining({ error: 'PAGINATION_NUMBER_INVALID' }),
      );
    },
  );

  test('last is any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (last) => {
        expect(parsePage(new URLSearchParams({ last })).last).toBe(last);
      }),
    );
  });
});

describe('nextLink', () => {
  test('leads to the entries after the last one, with the other parameters, on the same host', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), text, text, (limit, last, artifactType) => {
        const url = new URL('https://registry.example/v2/a/b/referrers/sha256:0?last=before&n=9');
        url.searchParams.set('artifactType', artifactType);
        const { Link = '' } = nextLink(url, { limit, last: 'before' }, last);
        const target = /^<(\/v2\/[!-~]*)>; rel="next"$/.exec(Link)?.[1] ?? '';
        const next = new URL(target, url);
        expect(next.host).toBe(url.host);
        expect(next.pathname).toBe(url.pathname);
        expect(parsePage(next.searchParams)).toEqual({ limit, last });
        expect(next.searchParams.get('artifactType')).toBe(artifactType);
      }),
    );
  });

  test('cannot break out of its brackets or its line', () => {
    const url = new URL('https://registry.example/v2/_catalog');
    const { Link } = nextLink(url, { limit: 1, last: '' }, '>; rel="prev"\r\nX-Bad: 1');
    expect(Link).toMatch(/^<[^<>\r\n"]*>; rel="next"$/);
  });
});
