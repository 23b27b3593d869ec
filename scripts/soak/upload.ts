import type { Blob } from './content.ts';
import type { Repository, Tools } from './repository.ts';

const OCTETS = { 'Content-Type': 'application/octet-stream' };

/**
 * Uploads a blob as one kind of client or another does, and goes on after a broken connection: from the
 * offset that the registry has, or in a new session.
 *
 * @returns when the request was sent that made it a blob, in milliseconds; null when it was refused
 */
export async function sendBlob(
  repository: Repository,
  blob: Blob,
  tools: Tools,
): Promise<number | null> {
  const dice = tools.random.next();
  if (dice < 0.25) {
    return sendAtOnce(repository, blob, tools);
  }
  for (;;) {
    const sent = await sendInSession(repository, blob, tools, dice < 0.6);
    if (sent !== 'again') {
      return sent;
    }
    tools.tally.remark('uploads that were started anew');
  }
}

async function sendAtOnce(repository: Repository, blob: Blob, { tally }: Tools) {
  const since = performance.now();
  const { status, body } = await repository.ask({
    method: 'POST',
    path: repository.path(`blobs/uploads/?digest=${blob.digest}`),
    headers: OCTETS,
    body: blob.bytes(),
  });
  if (status !== 201) {
    tally.fail(`POST of blob ${blob.digest}: ${status} ${body}`);
    return null;
  }
  return since;
}

async function sendInSession(
  repository: Repository,
  blob: Blob,
  tools: Tools,
  isMonolithic: boolean,
): Promise<number | null | 'again'> {
  const started = await repository.ask({
    method: 'POST',
    path: repository.path('blobs/uploads/'),
  });
  const location = started.headers.location ?? '';
  if (started.status !== 202) {
    tools.tally.fail(`POST of an upload: ${started.status} ${started.body}`);
    return null;
  }
  const bytes = blob.bytes();
  if (!isMonolithic && !(await sendChunks(repository, location, bytes, tools))) {
    return 'again';
  }
  const since = performance.now();
  const { status, body, isRepeated } = await repository.ask({
    method: 'PUT',
    path: `${location}?digest=${blob.digest}`,
    ...(isMonolithic && { headers: OCTETS, body: bytes }),
  });
  if (status === 201) {
    return since;
  }
  if (isRepeated && (status === 404 || status === 416 || status === 400)) {
    return 'again';
  }
  tools.tally.fail(`PUT of blob ${blob.digest}: ${status} ${body}`);
  return null;
}

/** False when the session is not there any more. */
async function sendChunks(
  repository: Repository,
  location: string,
  bytes: Buffer,
  { tally, random, isKilled }: Tools,
): Promise<boolean> {
  const chunk = Math.ceil(bytes.byteLength / random.between(1, 3));
  const isStreamed = random.next() < 0.5;
  for (let offset = 0; offset < bytes.byteLength; ) {
    const piece = bytes.subarray(offset, offset + chunk);
    const { status, body, isRepeated } = await repository.ask({
      method: 'PATCH',
      path: location,
      headers: {
        ...OCTETS,
        'Content-Range': `${offset}-${offset + piece.byteLength - 1}`,
      },
      body: piece,
      isStreamed,
    });
    if (status === 202) {
      offset += piece.byteLength;
    } else if (isRepeated && status === 416) {
      const found = await repository.ask({ method: 'GET', path: location });
      if (found.status !== 204) {
        return false;
      }
      const last = Number(String(found.headers.range).split('-')[1]);
      offset = last === 0 ? 0 : last + 1;
      tally.remark('uploads that went on at an offset');
    } else {
      if (!isKilled || !isRepeated || status !== 404) {
        tally.fail(`PATCH of an upload: ${status} ${body}`);
      }
      return false;
    }
  }
  return true;
}
