import { RegistryError } from '../oci/errors.ts';
import { type Result, toResult } from '../rpc/result.ts';
import { discard } from '../streams/discard.ts';
import type { Chunk, UploadContent } from './upload-content.ts';
import type { UploadRecord } from './upload-record.ts';

/** A sender who brings nothing for this long has to give way. */
const SILENCE = 5_000; // milliseconds

/** Lets one request at a time change a session. */
export class UploadTurn {
  readonly #record: UploadRecord;
  readonly #content: UploadContent;
  #running: Promise<unknown> | null = null;

  constructor(record: UploadRecord, content: UploadContent) {
    this.#record = record;
    this.#content = content;
  }

  /** Whether a request is under way. */
  get isTaken(): boolean {
    return this.#running !== null;
  }

  /**
   * Runs the work of a request, unless another one is under way. `chunk` is what the request brings; its
   * body is read to the end when it is refused.
   *
   * @throws TOOMANYREQUESTS in the result, or what `work` throws
   */
  take<T>(work: () => Promise<T>, chunk: Chunk | null = null): Promise<Result<T>> {
    return toResult(async () => {
      try {
        return await this.#unlessBusy(work, chunk);
      } finally {
        if (chunk !== null && !chunk.body.locked) {
          await discard(chunk.body); // the request was refused before its body was looked at
        }
      }
    });
  }

  /**
   * A chunk that says where it goes on comes from one whose connection broke: it takes the place of a
   * sender who hangs, which may be the same one, on a line that nobody has closed.
   */
  async #unlessBusy<T>(work: () => Promise<T>, chunk: Chunk | null): Promise<T> {
    const goesOn = this.#running !== null && chunk?.range?.first === this.#record.offset;
    if (goesOn && this.#content.giveUpSender(SILENCE)) {
      await this.#running?.catch(() => {}); // what it brought is kept: then the offset is another
    }
    if (this.#running !== null) {
      throw new RegistryError('TOOMANYREQUESTS', 'this upload is busy with another request');
    }
    const running = work();
    this.#running = running;
    try {
      return await running;
    } finally {
      this.#running = null;
    }
  }
}
