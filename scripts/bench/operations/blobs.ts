import { makeContent } from '../load/content.ts';
import { download } from '../load/download.ts';
import { type Reading, readingOf, time } from '../samples.ts';
import type { Flow, Subject } from '../subjects/subject.ts';
import type { Operation } from './operation.ts';
import { settle } from './settle.ts';

/** Blobs of one size, in bytes. */
export interface BlobSize {
  name: string;
  size: number;
  count: number; // how many are pushed
}

const LARGE = 64 * 2 ** 20; // bytes: from here on it is pulled as well
const WARM_PULLS = 3;

/** Pushes new blobs of each size by each flow, and pulls the large ones. */
export function blobs(sizes: readonly BlobSize[]): Operation[] {
  const flows: Flow[] = ['monolithic', 'streamed'];
  return sizes.flatMap((blob) =>
    flows.map((flow) => ({
      name: `blob of ${blob.name}, ${flow}`,
      fits: () => true,
      measure: (subject: Subject) => measure(subject, blob, flow),
    })),
  );
}

/** What is measured of a blob is called this in the results. */
export function blobMetric(
  what: 'push' | 'checked push' | 'cold pull' | 'warm pull',
  name: string,
  flow: Flow,
) {
  return `${what} of ${name}, ${flow}`;
}

async function measure(
  subject: Subject,
  { name, size, count }: BlobSize,
  flow: Flow,
): Promise<Reading[]> {
  const pushes: number[] = [];
  let last = makeContent(size);
  for (let pushed = 0; pushed < count; pushed++) {
    last = makeContent(size);
    pushes.push(await time(() => subject.push(last, flow)));
  }
  const bytes = size < 2 ** 20 ? null : size;
  const readings = [readingOf(blobMetric('push', name, flow), pushes, bytes)];
  if (flow === 'monolithic') {
    const checked: number[] = subject.pushChecked === undefined ? pushes : [];
    while (checked.length < count) {
      const content = makeContent(size);
      checked.push(await time(async () => subject.pushChecked?.(content)));
    }
    readings.push(readingOf(blobMetric('checked push', name, flow), checked, bytes));
  }
  if (size >= LARGE) {
    const url = subject.locate(last) ?? '';
    const pull = () => time(() => download(url, subject.authorization, size));
    readings.push(readingOf(blobMetric('cold pull', name, flow), [await pull()], size));
    await settle(size);
    const warm: number[] = [];
    for (let pulled = 0; pulled < WARM_PULLS; pulled++) {
      warm.push(await pull());
    }
    readings.push(readingOf(blobMetric('warm pull', name, flow), warm, size));
  }
  return readings;
}
