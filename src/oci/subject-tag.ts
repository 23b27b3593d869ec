import type { SubjectDigest } from './digest.ts';
import type { Tag } from './reference.ts';

const SUBJECT_TAG = /^sha256-[0-9a-f]{64}(?:\..*)?$/;

const REFERRERS_TAG = /^(?:sha256|sha384|sha512|blake3)-[0-9a-f]{64}$/;

/**
 * True for a tag that follows the manifest in its own name, as "sha256-<hex>" and "sha256-<hex>.sig".
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
export function followsSubject(tag: string): boolean {
  return SUBJECT_TAG.test(tag);
}

/**
 * The tag that lists what refers to a manifest where there is no referrers API.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 */
export function referrersTag(subject: SubjectDigest): Tag {
  const [algorithm = '', encoded = ''] = subject.split(':');
  return `${algorithm}-${encoded.slice(0, 64)}` as Tag;
}

/** True for a tag that {@link referrersTag} makes. */
export function isReferrersTag(tag: string): boolean {
  return REFERRERS_TAG.test(tag);
}
