import type { Api } from '../api.ts';
import { inParallel } from '../in-parallel.ts';
import { persist } from './persist.ts';
import type { UnpackedMetadata } from './read-metadata.ts';

const CONCURRENCY = 8;
const BATCH = 1000;

/** What the registry was asked, and what it does not answer as the backup says. */
export interface Verification {
  tags: number;
  wrong: string[]; // "acme/app:1.0"
}

/** Asks for every tag of a backup. */
export async function verifyTags(api: Api, metadata: UnpackedMetadata): Promise<Verification> {
  const names = new Map<unknown, string>();
  for await (const { id, name, deleted_at } of metadata.rows('repositories')) {
    if (deleted_at === null) {
      names.set(id, String(name));
    }
  }
  const verification: Verification = { tags: 0, wrong: [] };
  let batch: { repository: string; tag: string; digest: string }[] = [];
  const verify = async () => {
    await inParallel(batch, CONCURRENCY, async ({ repository, tag, digest }) => {
      if ((await persist(() => api.digestOf(repository, tag))) !== digest) {
        verification.wrong.push(`${repository}:${tag}`);
      }
    });
    verification.tags += batch.length;
    batch = [];
  };
  for await (const { repository_id, name, digest } of metadata.rows('tags')) {
    const repository = names.get(repository_id);
    if (repository !== undefined) {
      batch.push({ repository, tag: String(name), digest: String(digest) });
    }
    if (batch.length === BATCH) {
      await verify();
    }
  }
  await verify();
  return verification;
}
