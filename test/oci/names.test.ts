/** Repository names, tags and references: the grammars of the spec as generators. */
import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { RegistryError } from '../../src/oci/errors.ts';
import { isTag, parseReference, parseTag } from '../../src/oci/reference.ts';
import {
  isRepositoryName,
  namespaceOf,
  parseRepositoryName,
} from '../../src/oci/repository-name.ts';

fc.configureGlobal({ seed: inject('seed') });

/** The spec's own expression; slow on hostile input, which is why the source has another. */
const SPEC_NAME = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;

const word = fc.string({ unit: fc.constantFrom(...'abcxyz019'), minLength: 1, maxLength: 8 });
const separator = fc.constantFrom('.', '_', '__', '-', '--', '-----');
const component = fc
  .tuple(word, fc.array(fc.tuple(separator, word), { maxLength: 4 }))
  .map(([first, rest]) => first + rest.flat().join(''));
const name = fc
  .array(component, { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join('/'))
  .filter((text) => text.length <= 255);

describe('parseRepositoryName', () => {
  test('every name of the grammar is a name, in the namespace of its first component', () => {
    fc.assert(
      fc.property(name, (text) => {
        const parsed = parseRepositoryName(text);
        expect(parsed).toBe(text);
        expect(namespaceOf(parsed)).toBe(text.split('/')[0]);
      }),
    );
  });

  test('any text of nearly right characters is judged as the spec judges it', () => {
    const unit = fc.constantFrom('a', '0', '.', '_', '-', '/', 'A', '%', '\n');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
        expect(isRepositoryName(text)).toBe(SPEC_NAME.test(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('255 characters are a name and 256 are not', () => {
    expect(isRepositoryName('a'.repeat(255))).toBe(true);
    expect(isRepositoryName('a'.repeat(256))).toBe(false);
  });

  test.each([
    'a'.repeat(100_000),
    `${'a-'.repeat(50_000)}!`,
    '_'.repeat(100_000),
    `${'a'.repeat(254)}!`,
  ])('hostile text is refused', (text) => {
    expect(() => parseRepositoryName(text)).toThrow(RegistryError);
  });
});

describe('parseReference', () => {
  const first = fc.constantFrom(...'abzABZ09_');
  const rest = fc.string({ unit: fc.constantFrom(...'abzABZ09_.-'), maxLength: 127 });
  const tag = fc.tuple(first, rest).map((parts) => parts.join(''));

  test('every tag of the grammar is a tag and never a digest', () => {
    fc.assert(
      fc.property(tag, (text) => {
        expect(parseReference(text)).toEqual({ tag: text });
      }),
    );
  });

  test('a tag may not start with . or -, be empty, have more than 128 characters or others', () => {
    const others = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
      .filter((c) => !/^[\w.-]$/.test(c));
    fc.assert(
      fc.property(tag, others, (text, other) => {
        for (const bad of [`.${text}`, `-${text}`, '', 'x'.repeat(129), `x${other}`, other]) {
          expect(isTag(bad), bad).toBe(false);
          expect(() => parseTag(bad)).toThrow(RegistryError);
        }
      }),
    );
  });

  test('text with a colon is a digest or nothing', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(parseReference(digest)).toEqual({ digest });
    for (const bad of ['a:b', ':', 'latest:', `${digest}0`, `tag@${digest}`]) {
      expect(() => parseReference(bad)).toThrow(/digest/);
    }
  });

  test('64 hex digits are a tag', () => {
    expect(parseReference('0'.repeat(64))).toEqual({ tag: '0'.repeat(64) });
  });
});
