import type { ChunkReader } from './chunk-reader.ts';
import { UploadRefusal, type UploadSession } from './upload-session.ts';
import type { Answer } from './upstream.ts';

/**
 * Sends a stream to an upload session, chunk by chunk.
 *
 * @param digest makes a blob of it then; one that fits a chunk goes in one request. Null leaves the
 *   session open
 * @returns the last answer of the registry
 * @throws UploadRefusal, ConnectionError, SourceError; Error when the session lost what it had
 */
export async function sendContent(
  session: UploadSession,
  chunks: ChunkReader,
  digest: string | null,
): Promise<Answer | null> {
  await session.synchronise();
  const first = await chunks.next();
  if (digest !== null && first.isLast) {
    return finishAtOnce(session, first.bytes, digest);
  }
  for (let chunk = first; ; chunk = await chunks.next()) {
    await session.append(chunk.bytes);
    if (chunk.isLast) {
      return digest === null ? session.answer : session.finish(digest);
    }
  }
}

/** When it is not known what became of the one request, the chunk and the digest go one by one. */
async function finishAtOnce(
  session: UploadSession,
  bytes: Buffer,
  digest: string,
): Promise<Answer | null> {
  const answer = await session.finishWith(bytes, digest);
  if (answer !== null) {
    return answer;
  }
  try {
    await session.append(bytes);
  } catch (error) {
    const isGone = error instanceof UploadRefusal && error.answer.status === 404;
    if (!isGone) {
      throw error;
    }
    // It may be a blob already: finishing tells.
  }
  return session.finish(digest, true);
}
