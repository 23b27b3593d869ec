import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Source } from './source.ts';

/** How often a line may break that brings next to nothing in between. */
const MAX_BREAKS = 4;
const PROGRESS = 16 * 2 ** 20; // bytes

/** Before a line is taken up again, doubled each time. */
const FIRST_WAIT = 250; // milliseconds

/** A line that brings less than this in such a time is dead. */
const STALL = 30_000; // milliseconds
const LEAST = 16 * 2 ** 10; // bytes

const READ_SIZE = 256 * 2 ** 10; // bytes

/** The bytes of a blob on their way from the upstream: a line that breaks is taken up where it broke. */
export class BlobLine {
  /** In bytes, as the answer or else a manifest says; null when neither does. */
  readonly size: number | null;
  readonly #source: Source;
  readonly #digest: Digest;
  #response: Response;
  #offset = 0; // bytes that were handed on
  #skip = 0; // bytes of the answer that were handed on before

  private constructor(source: Source, digest: Digest, response: Response, wanted: number | null) {
    this.#source = source;
    this.#digest = digest;
    this.#response = response;
    const length = response.headers.get('Content-Length');
    this.size = length !== null && /^\d{1,15}$/.test(length) ? Number(length) : wanted;
  }

  /**
   * @param wanted its size in bytes as a manifest says, or null
   * @throws BLOB_UNKNOWN, UPSTREAM_FAILED, UPSTREAM_LIMITED, UPSTREAM_REFUSED; UPSTREAM_LIED when the
   *   size is another
   */
  static async open(source: Source, digest: Digest, wanted: number | null): Promise<BlobLine> {
    const response = await ask(source, digest, 0);
    const line = new BlobLine(source, digest, response, wanted);
    if (wanted !== null && line.size !== wanted) {
      await response.body?.cancel();
      throw line.#lie(`${line.size} bytes`);
    }
    return line;
  }

  /**
   * Hands all bytes on, in pieces whose memory is used again when `write` is through.
   *
   * @throws UPSTREAM_FAILED when the line breaks too often, UPSTREAM_LIMITED, UPSTREAM_REFUSED,
   *   UPSTREAM_LIED when there is more than the size; what `write` throws
   */
  async read(write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    let breaks = 0;
    let lastBreak = 0; // bytes
    while (!(await this.#readAnswer(write))) {
      breaks = this.#offset - lastBreak >= PROGRESS ? 1 : breaks + 1;
      lastBreak = this.#offset;
      if (breaks >= MAX_BREAKS) {
        throw new RegistryError('UPSTREAM_FAILED', 'the upstream broke off while it sent the blob');
      }
      await scheduler.wait(FIRST_WAIT * 2 ** (breaks - 1));
      await this.#takeUp();
    }
  }

  /** False when the answer ends early. */
  async #readAnswer(write: (bytes: Uint8Array) => Promise<void>): Promise<boolean> {
    const reader = this.#response.body?.getReader({ mode: 'byob' });
    for (let memory = new Uint8Array(READ_SIZE); reader !== undefined; ) {
      const part = await readUnlessStalled(reader, memory);
      if (part?.value === undefined || part.done) {
        return part !== null && (this.size === null || this.#offset === this.size);
      }
      const bytes = part.value.subarray(Math.min(this.#skip, part.value.byteLength));
      this.#skip -= part.value.byteLength - bytes.byteLength;
      if (this.size !== null && this.#offset + bytes.byteLength > this.size) {
        await reader.cancel().catch(() => {});
        throw this.#lie(`more than ${this.size} bytes`);
      }
      if (bytes.byteLength > 0) {
        try {
          await write(bytes);
        } catch (error) {
          await reader.cancel(error).catch(() => {});
          throw error;
        }
        this.#offset += bytes.byteLength;
      }
      memory = new Uint8Array(part.value.buffer as ArrayBuffer);
    }
    return this.size === 0;
  }

  /** Asks for the rest. An upstream that does not answer at all is another break. */
  async #takeUp(): Promise<void> {
    try {
      this.#response = await ask(this.#source, this.#digest, this.#offset);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.error !== 'UPSTREAM_FAILED') {
        throw error;
      }
      this.#response = new Response(null);
      return;
    }
    const [, first = '0'] = /^bytes (\d{1,15})-/.exec(contentRange(this.#response)) ?? [];
    this.#skip = this.#offset - Number(first);
    if (this.#skip < 0) {
      throw this.#lie('another part of it than it was asked for');
    }
  }

  #lie(what: string): RegistryError {
    return new RegistryError(
      'UPSTREAM_LIED',
      `the upstream sent ${what} as ${this.#digest}: nothing of them is kept`,
    );
  }
}

async function ask({ client, remote }: Source, digest: Digest, offset: number): Promise<Response> {
  const response = await client.ask({
    method: 'GET',
    repository: remote,
    path: `blobs/${digest}`,
    headers: {
      'Accept-Encoding': 'identity',
      ...(offset > 0 && { Range: `bytes=${offset}-` }),
    },
  });
  if (response === null) {
    throw new RegistryError('BLOB_UNKNOWN', `the upstream has no blob ${digest} in ${remote}`);
  }
  return response;
}

function contentRange({ status, headers }: Response): string {
  return status === 206 ? (headers.get('Content-Range') ?? '') : '';
}

/** Null when the line is broken, or dead. */
async function readUnlessStalled(
  reader: ReadableStreamBYOBReader,
  memory: Uint8Array<ArrayBuffer>,
) {
  const stall = new AbortController();
  const stalled = scheduler.wait(STALL, { signal: stall.signal }).then(
    () => null,
    () => null,
  );
  const part = await Promise.race([reader.readAtLeast(LEAST, memory).catch(() => null), stalled]);
  stall.abort();
  if (part === null) {
    await reader.cancel().catch(() => {});
  }
  return part;
}
