/**
 * What the registry's operations cost: the table that costs.test.ts holds it to, and that
 * `npm run costs` prices. "image" is one of six layers of 1,000 bytes, a config and a manifest.
 */
import type { Counts } from './counts.ts';

export type OperationName = keyof typeof OPERATIONS;

export interface Operation {
  title: string;
  /** What a price is for: a pull is cheap enough to be priced by the million. */
  per: 'million' | 'thousand';
  requests: number;
  counts: Counts;
}

/** [R2 class A, class B, D1 queries, batches, rows read, written, object requests, look-ups] */
type Row = [number, number, number, number, number, number, number, number];

function operation(
  title: string,
  per: Operation['per'],
  requests: number,
  [
    r2ClassA,
    r2ClassB,
    d1Queries,
    d1Batches,
    d1RowsRead,
    d1RowsWritten,
    objectRequests,
    cacheLookups,
  ]: Row,
): Operation {
  const counts = {
    r2ClassA,
    r2ClassB,
    d1Queries,
    d1Batches,
    d1RowsRead,
    d1RowsWritten,
    objectRequests,
    cacheLookups,
  };
  return { title, per, requests, counts };
}

/* biome-ignore format: a table */
export const OPERATIONS = {
  token: operation('token for a robot', 'million', 1, [0, 0, 1, 2, 12, 4, 0, 0]),
  coldPull: operation('image, first pull in a location', 'million', 9, [0, 7, 2, 0, 20, 0, 0, 9]),
  warmPull: operation('image by digest, warm', 'million', 8, [0, 0, 0, 0, 0, 0, 0, 0]),
  warmTagPull: operation('image by tag, warm', 'million', 9, [0, 0, 1, 0, 3, 0, 0, 0]),
  coldLargePull: operation('layer of 20 MiB, first pull in a location', 'million', 1, [0, 2, 1, 0, 3, 0, 0, 4]),
  warmLargePull: operation('layer of 20 MiB, warm', 'million', 1, [0, 0, 0, 0, 0, 0, 0, 1]),
  push: operation('image, pushed as docker does', 'thousand', 36, [7, 0, 21, 8, 251, 130, 21, 0]),
  monolithicPush: operation('image, pushed as containerd does', 'thousand', 22, [7, 0, 14, 8, 231, 127, 14, 0]),
  rePush: operation('image, pushed again', 'thousand', 8, [0, 0, 7, 1, 47, 9, 0, 0]),
  mount: operation('blob, mounted from another repository', 'thousand', 1, [0, 0, 0, 1, 37, 14, 0, 0]),
  streamedLayer: operation('layer of 20 MiB, pushed as docker does', 'thousand', 3, [5, 0, 1, 1, 28, 13, 3, 0]),
  monolithicLayer: operation('layer of 20 MiB, pushed as containerd does', 'thousand', 2, [1, 0, 1, 1, 28, 13, 2, 0]),
  mirrorWarmPull: operation('image of a mirror by digest, warm', 'million', 8, [0, 0, 0, 0, 0, 0, 0, 0]),
  mirrorWarmTagPull: operation('image of a mirror by tag, warm', 'million', 9, [0, 0, 2, 0, 6, 0, 0, 0]),
  mirrorOldTag: operation('manifest of a mirror, whose upstream is asked whether the tag moved', 'million', 1, [0, 0, 4, 1, 11, 1, 2, 0]),
  mirrorColdManifest: operation('manifest of a mirror, fetched', 'thousand', 1, [0, 0, 4, 1, 47, 40, 2, 0]),
  mirrorColdBlob: operation('blob of a mirror, fetched', 'thousand', 1, [1, 0, 9, 1, 38, 16, 2, 1]),
} satisfies Record<string, Operation>;
