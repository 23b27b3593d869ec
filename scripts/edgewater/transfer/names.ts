import { UsageError } from '../errors.ts';

/** A repository, and a tag of it if one is named. */
export interface Named {
  repository: string;
  tag: string | null;
}

const NAME =
  /^([a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?$/;

/**
 * Reads what is imported: "old.example.com/team/app", with a tag or without, "docker://" before it or not.
 *
 * @throws UsageError
 */
export function parseImportSource(text: string): Named {
  const named = parseRepository(text);
  const [host = ''] = named.repository.split('/', 1);
  if (!host.includes('.')) {
    throw new UsageError(
      `"${text}" has to begin with a registry that is mirrored here, as docker.io/library/alpine`,
    );
  }
  return named;
}

/** Reads "acme/app", with a tag or without, "docker://" before it or not. @throws UsageError */
export function parseRepository(text: string): Named {
  const [, repository, tag = null] = NAME.exec(text.replace(/^docker:\/\//, '')) ?? [];
  if (repository === undefined) {
    throw new UsageError(`"${text}" is no repository; it has to be as acme/app or acme/app:v1`);
  }
  return { repository, tag };
}
