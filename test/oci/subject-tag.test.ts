import { expect, test } from 'vitest';
import { parseSubjectDigest } from '../../src/oci/digest.ts';
import { isReferrersTag, referrersTag } from '../../src/oci/subject-tag.ts';

test.each([
  [`sha256:${'a'.repeat(64)}`, `sha256-${'a'.repeat(64)}`],
  [`sha512:${'b'.repeat(128)}`, `sha512-${'b'.repeat(64)}`],
  [`sha384:${'c'.repeat(96)}`, `sha384-${'c'.repeat(64)}`],
])('what refers to %s is listed under the tag of the spec', (digest, tag) => {
  expect(referrersTag(parseSubjectDigest(digest))).toBe(tag);
  expect(isReferrersTag(tag)).toBe(true);
});

test.each([
  'v1',
  `sha256-${'a'.repeat(64)}.sig`,
  `sha256-${'a'.repeat(63)}`,
  `md5-${'a'.repeat(64)}`,
])('the tag %s lists none', (tag) => {
  expect(isReferrersTag(tag)).toBe(false);
});
