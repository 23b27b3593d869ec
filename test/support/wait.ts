/** Lets time pass for what is stored. */
import { env } from 'cloudflare:workers';

export const DAY = 24 * 60 * 60; // seconds

/** Every time in D1 that collection, retention and restores compare. */
const TIMES = {
  repository_blobs: ['lease_until'],
  collection_queue: ['released_at', 'review_after'],
  deleted_manifests: ['expires_at', 'deleted_at'],
  tag_history: ['at'],
  trash: ['delete_after'],
  pulls: ['last_pulled_at'],
  uploads: ['expires_at'],
  tags: ['updated_at'],
  retention_policies: ['next_run_at'],
};

/** Makes everything that is stored older, as if nobody had come for so long. */
export async function wait(seconds: number): Promise<void> {
  const statements = Object.entries(TIMES).map(([table, columns]) => {
    const changes = columns.map((column) => `${column} = ${column} - ?1`);
    return env.DB.prepare(`UPDATE ${table} SET ${changes}`).bind(seconds);
  });
  await env.DB.batch(statements);
}
