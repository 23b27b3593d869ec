import type { SubjectDigest } from './digest.ts';

const SUBJECT_TAG = /^sha256-[0-9a-f]{64}(?:\..*)?$/;

/**
 * True for a tag that follows the manifest in its own name, as "sha256-<hex>" and "sha256-<hex>.sig".
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
export function followsSubject(tag: string): boolean {
  return SUBJECT_TAG.test(tag);
}

/**
 * The tag that lists what refers to a manifest where a registry has no API for that: the algorithm and 64
 * characters of what is encoded. The spec cuts the algorithm after 32, which none has.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
 */
export function referrersTag(subject: SubjectDigest): string {
  const [algorithm = '', encoded = ''] = subject.split(':');
  return `${algorithm}-${encoded.slice(0, 64)}`;
}
