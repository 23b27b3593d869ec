import { readFile, realpath, stat } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import type { ZodType } from 'zod';
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

  /** As {@link read}. @throws RefusalError when it is no JSON of this shape */
  async readJson<T>(name: string, shape: ZodType<T>): Promise<T> {
    return parseJson(await this.read(name), name, shape);
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

/** @throws RefusalError when it is no JSON of this shape */
export function parseJson<T>(bytes: Buffer, name: string, shape: ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    throw new RefusalError(`${name} in the source is not JSON`);
  }
  const { data, error } = shape.safeParse(value);
  if (error !== undefined) {
    const [issue] = error.issues;
    const where = issue?.path.join('.') || 'it';
    throw new RefusalError(`${name} in the source is damaged: ${where}: ${issue?.message}`);
  }
  return data;
}
