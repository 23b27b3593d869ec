import { createWriteStream } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Api, apiPath } from '../api.ts';
import { RefusalError } from '../errors.ts';
import { refusalFor } from '../push/refusal.ts';
import { ConnectionError } from '../upload/connection-error.ts';
import { isTransient, RETRY_POLICY, Retry } from '../upload/retry.ts';
import type { Answer, Upstream } from '../upload/upstream.ts';
import { hashOf, placeFor } from './content-folder.ts';
import type { StoredBlob } from './format.ts';

/**
 * Fetches the bytes of a blob into a folder. What an earlier call has brought is gone on with.
 *
 * @param onBytes is told how many bytes of it are there
 * @returns false when the registry does not have it any more
 * @throws RefusalError when it has other bytes than the digest says, or does not answer
 */
export async function downloadBlob(
  { upstream, api, folder }: { upstream: Upstream; api: Api; folder: string },
  { key, digest, size }: StoredBlob,
  onBytes: (bytes: number) => void,
): Promise<boolean> {
  const { file, draft } = await placeFor(folder, digest);
  const path = apiPath`/backup/objects/${key}`;
  let before = 0;
  let isFresh = false; // all of it came by this call
  for (const retry = new Retry(RETRY_POLICY, new AbortController().signal); ; ) {
    const { hex, length } = await hashOf(draft, digest);
    if (length === size && digest.endsWith(`:${hex}`)) {
      await (size === 0 ? writeFile(file, '') : rename(draft, file));
      return true;
    }
    if (length > before) {
      retry.reset();
    }
    before = length;
    // Some of it may be left of an earlier attempt, so one that is wrong is fetched once more.
    const isWrong = length >= size;
    if (isWrong && isFresh) {
      await rm(draft);
      throw new RefusalError(
        `${digest} has other bytes in the registry: "edgewater scrub" says more`,
      );
    }
    if (isWrong) {
      await rm(draft);
    }
    const from = isWrong ? 0 : length;
    isFresh ||= from === 0;
    const outcome = await receive(upstream, { api, path, draft, length: from, onBytes });
    if (outcome === null) {
      continue;
    }
    if (!(outcome instanceof ConnectionError) && outcome.status === 404) {
      await rm(draft, { force: true });
      return false;
    }
    if (!isTransient(outcome) || !(await retry.wait(outcome))) {
      throw outcome instanceof ConnectionError
        ? new RefusalError(`${digest}: ${outcome.message}`)
        : refusalFor(digest, outcome);
    }
  }
}

interface Transfer {
  api: Api;
  path: string;
  draft: string;
  length: number; // bytes that are there
  onBytes: (bytes: number) => void;
}

/** Adds to a draft what comes. @returns null when it came to its end, or why it did not */
async function receive(
  upstream: Upstream,
  { api, path, draft, length, onBytes }: Transfer,
): Promise<Answer | ConnectionError | null> {
  try {
    const response = await upstream.send({
      method: 'GET',
      target: upstream.at(`${path}?offset=${length}`),
      headers: api.authorization,
    });
    const { statusCode: status = 0, headers, rawHeaders } = response;
    if (status !== 200) {
      return { status, headers, rawHeaders, body: await buffer(response) };
    }
    let received = length;
    response.on('data', (bytes: Buffer) => {
      received += bytes.length;
      onBytes(received);
    });
    await pipeline(response, createWriteStream(draft, { flags: 'a', mode: 0o600, flush: true }));
    return null;
  } catch (error) {
    if (isOfTheDisk(error)) {
      throw error;
    }
    return error instanceof ConnectionError ? error : new ConnectionError(api.registry, error);
  }
}

function isOfTheDisk(error: unknown): boolean {
  return ['ENOSPC', 'EACCES', 'EIO', 'EROFS', 'EDQUOT'].includes(
    String((error as NodeJS.ErrnoException).code),
  );
}
