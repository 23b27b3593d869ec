import { type Api, apiPath } from '../api.ts';
import { RefusalError } from '../errors.ts';
import { persist } from './persist.ts';
import type { UnpackedMetadata } from './read-metadata.ts';

/** What the registry was asked, and what it does not answer as the backup says. */
export interface Verification {
  tags: number; // without those of deleted repositories
  wrong: string[]; // "acme/app:1.0"
}

interface Tag {
  name: string;
  digest: string;
}

/** Compares every tag of a backup with the registry's lists, which count no pull as asking for each would. */
export async function verifyTags(api: Api, metadata: UnpackedMetadata): Promise<Verification> {
  const names = new Map<unknown, string>();
  for await (const { id, name, deleted_at } of metadata.rows('repositories')) {
    if (deleted_at === null) {
      names.set(id, String(name));
    }
  }
  const verification: Verification = { tags: 0, wrong: [] };
  let repository = '';
  let listed = new Map<string, string>();
  for await (const { repository_id, name, digest } of metadata.rows('tags')) {
    const own = names.get(repository_id);
    if (own === undefined) {
      continue;
    }
    // A backup has the tags of a repository one after the other.
    if (own !== repository) {
      repository = own;
      listed = await tagsOf(api, own);
    }
    verification.tags += 1;
    if (listed.get(String(name)) !== digest) {
      verification.wrong.push(`${own}:${name}`);
    }
  }
  return verification;
}

/** Digests by tag; none when the repository is not there. */
async function tagsOf(api: Api, repository: string): Promise<Map<string, string>> {
  const path = apiPath`/repositories/${repository}/tags`;
  try {
    const tags = await persist(() => api.list<Tag>(path, 'tags'));
    return new Map(tags.map(({ name, digest }) => [name, digest]));
  } catch (error) {
    if (error instanceof RefusalError && error.status === 404) {
      return new Map();
    }
    throw error;
  }
}
