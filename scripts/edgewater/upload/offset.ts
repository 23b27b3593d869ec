/**
 * How many bytes a session has, by the Range header of its answer: "0-<last>" (distribution-spec
 * v1.1.1 "Pushing a blob in chunks"). Null when there is none that can be read.
 *
 * The spec has no form for 0 bytes. "0-0", which is 1 byte, is what distribution and Edgewater send
 * for none; zot sends "0--1". So `isAmbiguous` says that it may be one byte more.
 */
export function parseOffset(
  range: string | undefined,
): { offset: number; isAmbiguous: boolean } | null {
  const last = /^(?:bytes=)?0-(-1|\d{1,15})$/.exec(range?.trim() ?? '')?.[1];
  if (last === undefined) {
    return null;
  }
  return last === '0'
    ? { offset: 0, isAmbiguous: true }
    : { offset: Number(last) + 1, isAmbiguous: false };
}
