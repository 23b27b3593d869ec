import { describe, expect, test } from 'vitest';
import { ERRORS, type ErrorName, RegistryError } from '../../src/oci/errors.ts';

/** distribution-spec "Error Codes" with the statuses that distribution answers. */
const SPEC: Record<string, number> = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 400,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
};

/** What distribution adds to them. */
const DISTRIBUTION: Record<string, number> = {
  UNKNOWN: 500,
  UNAVAILABLE: 503,
  RANGE_INVALID: 416,
  TAG_INVALID: 400,
  PAGINATION_NUMBER_INVALID: 400,
};

const rows = Object.entries<{ status: number; message: string; code?: string }>(ERRORS);

describe('the table of errors', () => {
  test('has every code of the spec with its status', () => {
    const own = Object.fromEntries(
      rows.filter(([, row]) => row.code === undefined).map(([name, row]) => [name, row.status]),
    );
    expect(own).toEqual({ ...SPEC, ...DISTRIBUTION });
  });

  test.each(rows)(
    '%s goes out under a code that clients know, with words of its own',
    (name, row) => {
      expect(Object.keys({ ...SPEC, ...DISTRIBUTION })).toContain(row.code ?? name);
      expect(row.message).toMatch(/\w/);
    },
  );

  test('codes that clients retry are not used for failures that stay', () => {
    const retried = ['UNKNOWN', 'UNAVAILABLE', 'TOOMANYREQUESTS', 'BLOB_UPLOAD_INVALID'];
    const aliases = rows.filter(([, row]) => retried.includes(row.code ?? ''));
    expect(aliases.filter(([, row]) => !('retryAfter' in row))).toEqual([]);
  });
});

test('RegistryError: says what the table says unless it is told better', () => {
  const name: ErrorName = 'BLOB_UNKNOWN';
  expect(new RegistryError(name)).toMatchObject({
    error: name,
    message: ERRORS[name].message,
    details: [],
    headers: {},
  });
  expect(new RegistryError(name, 'gone', { details: ['x'] })).toMatchObject({
    message: 'gone',
    details: ['x'],
  });
});
