import type { Image } from '../../bench/load/image.ts';
import type { Random } from '../random.ts';
import type { Named, Published } from '../repository.ts';

/** One whose bytes are still here: it can be pushed again, and parts of it compared. */
export interface Recent extends Published {
  image: Image;
}

const HOT = 8;
const RECENT = 32; // of at most 40 MiB, of which only the first 64 KiB are kept

/** What the load has pushed and nobody deletes. */
export class Library {
  readonly #all: Published[] = [];
  readonly #recent: Recent[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#all.length;
  }

  add(repository: string, tag: string, image: Image): void {
    const name = ({ digest, size }: Named): Named => ({ digest, size });
    const published = {
      repository,
      tag,
      manifest: name(image.manifest),
      blobs: image.blobs.map(name),
    };
    this.#all.push(published);
    this.#recent.push({ ...published, image });
    if (this.#recent.length > RECENT) {
      this.#recent.shift();
    }
  }

  /** One of the few that are pulled all the time. */
  hot(): Published {
    return this.#random.pick(this.#all.slice(0, HOT));
  }

  /** Any, so mostly one that was not asked for lately. */
  any(): Published {
    return this.#random.pick(this.#all);
  }

  recent(): Recent {
    return this.#random.pick(this.#recent);
  }
}
