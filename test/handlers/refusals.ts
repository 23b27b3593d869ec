/** Requests that deserve to be refused, and what every refusal has to be. */
import { expect } from 'vitest';
import { ERRORS } from '../../src/oci/errors.ts';
import { type CallOptions, call, errorsOf } from '../support/client.ts';

/** What is asked, and the statuses that are right. */
export type Row = [
  method: string,
  path: string,
  statuses: readonly number[],
  options?: CallOptions,
];

const CODES = Object.entries<{ status: number; code?: string }>(ERRORS).map(
  ([name, row]) => row.code ?? name,
);

/** Asserts the status, and that a failure says so in the form and with the codes of the spec. */
export async function expectRefused([method, path, statuses, options]: Row): Promise<void> {
  const response = await call(method, path, options);
  expect(statuses, `${method} ${path}`.slice(0, 200)).toContain(response.status);
  if (response.status >= 400 && method !== 'HEAD') {
    for (const { code, message, detail } of await errorsOf(response)) {
      expect(CODES).toContain(code);
      expect(message).toMatch(/\w/);
      expect(['string', 'undefined']).toContain(typeof detail);
    }
  }
}

/** The rows with titles for `test.each`. */
export const titled = (rows: readonly Row[]) =>
  rows.map((row): [string, Row] => {
    const headers = JSON.stringify(row[3]?.headers ?? '');
    return [`${row[0]} ${row[1]} ${headers}`.slice(0, 120), row];
  });
