import { readFile, realpath, stat } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import { RefusalError } from '../errors.ts';

const MAX_DOCUMENT = 16 * 2 ** 20; // bytes: what is read into memory; a manifest has 4 MiB

/** A folder with an image in it. */
export class ImageFolder {
  readonly #folder: string;
  readonly #links: ReadonlyMap<string, string>; // of an archive: `docker save` links equal layers

  constructor(folder: string, links: ReadonlyMap<string, string> = new Map()) {
    this.#folder = folder;
    this.#links = links;
  }

  /** Bytes of a file; null when there is none of this name. @throws RefusalError for a way out */
  async size(name: string): Promise<number | null> {
    const path = this.path(name);
    const [found, actual, inside] = await Promise.all([
      stat(path).catch(() => null),
      realpath(path).catch(() => path),
      realpath(this.#folder),
    ]);
    if (found !== null && !actual.startsWith(join(inside, sep))) {
      throw new RefusalError(`the source names ${name}, which is outside of it`); // by a link
    }
    return found?.isFile() ? found.size : null;
  }

  /** @throws RefusalError when it is not there, or too large to be what it should */
  async read(name: string): Promise<Buffer> {
    const size = await this.size(name);
    if (size === null || size > MAX_DOCUMENT) {
      throw new RefusalError(`the source ${size === null ? 'has no' : 'has too large a'} ${name}`);
    }
    return readFile(this.path(name));
  }

  /** As {@link read}. @throws RefusalError when it is no JSON */
  async readJson<T>(name: string): Promise<T> {
    return parseJson<T>(await this.read(name), name);
  }

  /** Where a file of this name is. @throws RefusalError for a name that leads out of the folder */
  path(name: string): string {
    const inside = posix.normalize(this.#links.get(posix.normalize(name)) ?? name);
    if (posix.isAbsolute(inside) || inside.split('/').includes('..')) {
      throw new RefusalError(`the source names ${name}, which is outside of it`);
    }
    return join(this.#folder, inside);
  }
}

/** @throws RefusalError */
export function parseJson<T>(bytes: Buffer, name: string): T {
  try {
    return JSON.parse(bytes.toString()) as T;
  } catch {
    throw new RefusalError(`${name} in the source is not JSON`);
  }
}
