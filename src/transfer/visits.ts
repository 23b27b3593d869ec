import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Finished } from './finished.ts';
import { COST, type Turn } from './turn.ts';

/** Indexes in indexes, and signatures of signatures. */
const MAX_DEPTH = 8;

/** Of one image, with all that is about it. */
const MAX_MANIFESTS = 20_000;

/** The way through an image, which goes into each manifest once, in whatever turn. */
export class Visits {
  readonly #finished: Finished;
  readonly #turn: Turn;
  readonly #entered = new Set<Digest>();
  #count: number;

  /** `count` manifests of the image were finished by the turns before. */
  constructor(finished: Finished, count: number, turn: Turn) {
    this.#finished = finished;
    this.#count = count;
    this.#turn = turn;
  }

  /**
   * Whether a manifest is to be gone into: not when all that belongs to it is in the target, nor where the
   * way comes back to it.
   *
   * @throws TurnOver; MANIFEST_INVALID when the image has too many manifests
   */
  enter(digest: Digest, depth: number): boolean {
    if (this.#entered.has(digest) || this.#finished.has(digest)) {
      return false;
    }
    if (depth > MAX_DEPTH || this.#count >= MAX_MANIFESTS) {
      throw new RegistryError('MANIFEST_INVALID', 'the image has too many manifests in each other');
    }
    this.#turn.spend(COST.manifest);
    this.#entered.add(digest);
    return true;
  }

  /** A manifest is in the target, with all that belongs to it. */
  finish(digest: Digest): void {
    this.#finished.addManifest(digest);
    this.#turn.advance();
    this.#count += 1;
  }

  /** Whether a blob is to be sent, which costs so many subrequests. @throws TurnOver */
  enterBlob(digest: Digest, cost: number): boolean {
    if (this.#finished.has(digest)) {
      return false;
    }
    this.#turn.spend(cost);
    return true;
  }

  finishBlob(digest: Digest): void {
    this.#finished.addBlob(digest);
    this.#turn.advance();
  }
}
