import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Source } from './source.ts';

/**
 * Links a blob that a manifest of the repository names, and that another repository of the mirror has. The
 * digests in a manifest are whatever its author wrote, and who may read one repository need not see the
 * others: the upstream, which knows, is asked first.
 *
 * @returns false when the blob is to be fetched
 * @throws BLOB_UNKNOWN when the upstream does not have it in this repository; UPSTREAM_FAILED,
 *   UPSTREAM_LIMITED, RESTORE_UNDER_WAY, UNAVAILABLE
 */
export async function adoptBlob(source: Source, digest: Digest): Promise<boolean> {
  const { client, remote, repository, stores } = source;
  const { mirrored } = stores.metadata;
  if (!(await mirrored.isElsewhere(repository, digest))) {
    return false;
  }
  try {
    const question = { method: 'HEAD', repository: remote, path: `blobs/${digest}` } as const;
    if ((await client.ask(question)) === null) {
      throw new RegistryError('BLOB_UNKNOWN', `the upstream has no blob ${digest} in ${remote}`);
    }
  } catch (error) {
    if (error instanceof RegistryError && error.error === 'UPSTREAM_REFUSED') {
      return false; // not every store behind a redirect takes HEAD
    }
    throw error;
  }
  return mirrored.adopt(repository, digest);
}
