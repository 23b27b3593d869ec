/** Damages what is stored, and scrubs it through the API. */
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { ADMIN, call as callApi } from '../admin/api.ts';
import { call, startUpload, withQuery } from '../support/client.ts';
import type { TestBlob } from '../support/images.ts';
import { query } from '../support/storage.ts';

export interface Problem {
  kind: string;
  where: string;
  repository: string | null;
  digest: string;
  key: string | null;
  detail: string;
}

export interface Report {
  steps: number;
  objects: number;
  bytes: number;
  problems: Problem[];
  orphans: { objects: number; bytes: number };
}

/** Scrubs to the end, in steps of `budget`; `between` is done after each. */
export async function scrub(
  budget: Record<string, unknown> = {},
  between: (step: number) => Promise<unknown> = async () => null,
): Promise<Report> {
  const report: Report = {
    steps: 0,
    objects: 0,
    bytes: 0,
    problems: [],
    orphans: { objects: 0, bytes: 0 },
  };
  let place: unknown;
  do {
    const { status, json, text } = await callApi(ADMIN, 'POST', '/scrub', {
      body: { ...budget, ...(place !== undefined && { place }) },
    });
    expect(status, text).toBe(200);
    report.steps += 1;
    report.objects += json.objects;
    report.bytes += json.bytes;
    report.problems.push(...json.problems);
    report.orphans.objects += json.orphans.objects;
    report.orphans.bytes += json.orphans.bytes;
    place = json.next;
    await between(report.steps);
  } while (place !== null);
  return report;
}

/** The key in R2 of a blob or a large manifest. */
export async function keyOf({ digest }: { digest: string }): Promise<string> {
  const [key] = await query(
    `SELECT r2_key FROM blobs WHERE digest = ?1
     UNION ALL SELECT r2_key FROM manifests WHERE digest = ?1
     UNION ALL SELECT r2_key FROM deleted_manifests WHERE digest = ?1`,
    digest,
  );
  return String(key);
}

/** What can happen to an object. */
export const DAMAGES = {
  missing: async (content: { digest: string }) => {
    await env.BUCKET.delete(await keyOf(content));
  },
  size: async (content: { digest: string; bytes: Uint8Array }) => {
    await env.BUCKET.put(await keyOf(content), content.bytes.subarray(1));
  },
  digest: async (content: { digest: string; bytes: Uint8Array }) => {
    const bytes = content.bytes.slice();
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await env.BUCKET.put(await keyOf(content), bytes);
  },
};

/** An upload in several parts, as docker makes it. */
export async function pushInParts(repository: string, blob: TestBlob): Promise<void> {
  const location = await startUpload(repository);
  const response = await call('PATCH', location, { body: blob.bytes });
  expect(response.status).toBe(202);
  const { status } = await call('PUT', withQuery(location, 'digest', blob.digest));
  expect(status).toBe(201);
}

/** Leaves nothing for the next test to find. */
export async function emptyStorage(): Promise<void> {
  const { objects } = await env.BUCKET.list();
  await env.BUCKET.delete(objects.map(({ key }) => key));
  const tables = ['manifest_children', 'tags', 'manifests', 'deleted_manifests'];
  for (const table of [...tables, 'repository_blobs', 'blobs', 'trash', 'damaged_objects']) {
    await env.DB.exec(`DELETE FROM ${table}`);
  }
}
