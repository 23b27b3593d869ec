import { digestOf, type ManifestContent } from './content.ts';
import type { Answer, NoAnswer, Question } from './exchange.ts';
import type { Held, Link, RepositoryModel } from './model.ts';
import type { Tally } from './tally.ts';
import { SLACK, type Windows } from './windows.ts';

/** What an answer has to be, by what the model knows; what is not so is a failure of the tally. */
export class Expectations {
  readonly #model: RepositoryModel;
  readonly #tally: Tally;

  constructor(model: RepositoryModel, tally: Tally) {
    this.#model = model;
    this.#tally = tally;
  }

  /**
   * Answers come, but for a read that takes longer than deleted bytes stay for it: as long as they are in
   * the trash, without the quarter for which the registry may remember a blob.
   */
  noAnswer({ message }: NoAnswer, { method }: Question, since: number, { trash }: Windows): void {
    const isTooSlow = performance.now() - since > 0.75 * trash * 1000 - SLACK;
    if (method === 'GET' && isTooSlow) {
      this.#tally.remark('a read that took longer than deleted bytes stay');
    } else {
      this.#tally.fail(message);
    }
  }

  /** Something is not there: nothing has promised it, if nobody changed it since `version`. */
  gone(thing: Held | Link, version: number, until: number, what: string): void {
    if (version === thing.present.version) {
      this.passed(Math.min(until, this.#until(thing)), what);
    }
  }

  /** A promise was over, in milliseconds of `performance.now()`. */
  passed(until: number, what: string): void {
    if (until > performance.now()) {
      this.#tally.fail(`${what} in ${this.#model.name}: lost`);
    }
  }

  /** An answer has the content of a digest. */
  bytes({ status, body }: Answer, digest: string): void {
    if (status !== 200) {
      this.#tally.fail(`pull of ${digest}: ${status} ${body}`);
    } else if (digestOf(body) !== digest) {
      this.#tally.fail(`pull of ${digest}: ${body.byteLength} bytes have another digest`);
    }
  }

  /** What has to be there of all that a manifest names, by digest, while it is pushed. */
  promises(content: ManifestContent): Map<string, () => boolean> {
    const things = new Map<string, Held | Link>([
      ...content.blobs.map((blob) => [blob.digest, this.#model.link(blob)] as const),
      ...content.children.map((child) => [child.digest, this.#model.manifest(child)] as const),
    ]);
    return new Map(
      Array.from(things, ([digest, thing]) => {
        const { version } = thing.present;
        const before = this.#until(thing);
        const holds = () =>
          Math.min(before, this.#until(thing)) > performance.now() &&
          version === thing.present.version;
        return [digest, holds];
      }),
    );
  }

  /** A manifest is refused for nothing but what it names, and nothing of that was promised. */
  refusal({ status, body }: Answer, promises: Map<string, () => boolean>): void {
    const text = body.toString();
    if (status !== 400 || !text.includes('MANIFEST_BLOB_UNKNOWN')) {
      this.#tally.fail(`PUT of a manifest: ${status} ${text}`);
      return;
    }
    const broken = [...promises].filter(([digest, holds]) => text.includes(digest) && holds());
    for (const [digest] of broken) {
      this.#tally.fail(`MANIFEST_BLOB_UNKNOWN for ${digest} inside its lease`);
    }
    this.#tally.remark('MANIFEST_BLOB_UNKNOWN after a lease or a delete');
  }

  #until(thing: Held | Link): number {
    return 'content' in thing ? this.#model.manifestUntil(thing) : this.#model.linkUntil(thing);
  }
}
