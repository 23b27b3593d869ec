import { type Content, makeContent } from './load/content.ts';
import { type Image, makeImage } from './load/image.ts';

/** What every contestant serves from the start of a round on. */
export interface Seed {
  image: Image;
  /** What HEAD asks for: wrk waits for the body that a Content-Length other than 0 announces. */
  empty: Content;
  small: Content;
  medium: Content;
  blobs: readonly Content[]; // these three
}

/** Makes it, the same for all. */
export function makeSeed(): Seed {
  const [empty, small, medium] = [makeContent(0), makeContent(1024), makeContent(64 * 2 ** 10)];
  return { image: makeImage(6, 64 * 2 ** 10), empty, small, medium, blobs: [empty, small, medium] };
}
