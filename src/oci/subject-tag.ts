const SUBJECT_TAG = /^sha256-[0-9a-f]{64}(?:\..*)?$/;

/**
 * True for a tag that follows the manifest in its own name, as "sha256-<hex>" and "sha256-<hex>.sig".
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
export function followsSubject(tag: string): boolean {
  return SUBJECT_TAG.test(tag);
}
