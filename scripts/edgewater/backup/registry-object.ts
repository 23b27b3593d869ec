import { type Api, apiPath } from '../api.ts';
import { RefusalError } from '../errors.ts';
import { refusalFor } from '../push/refusal.ts';
import { ConnectionError } from '../upload/connection-error.ts';
import { readOn } from '../upload/read-on.ts';
import type { Answer, Upstream } from '../upload/upstream.ts';
import type { StoredBlob } from './format.ts';
import { BlobGone } from './store/backup-store.ts';

/**
 * Reads the object of a blob in the registry's bucket, from an offset on.
 *
 * @throws BlobGone, RefusalError when the registry does not answer
 */
export function readObject(
  { upstream, api }: { upstream: Upstream; api: Api },
  { key, digest, size }: StoredBlob,
  offset: number,
): AsyncGenerator<Buffer> {
  const path = apiPath`/backup/objects/${key}`;
  return readOn({
    upstream,
    offset,
    size,
    request: async (from) => ({
      method: 'GET',
      target: upstream.at(`${path}?offset=${from}`),
      headers: api.authorization,
    }),
    toError: (outcome) => toError(digest, outcome),
  });
}

function toError(digest: string, outcome: Answer | ConnectionError): Error {
  if (outcome instanceof ConnectionError) {
    return new RefusalError(`${digest}: ${outcome.message}`);
  }
  return outcome.status === 404 ? new BlobGone(digest) : refusalFor(digest, outcome);
}
