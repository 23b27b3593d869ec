/** A part of some content: both ends in bytes from 0, `last` included. */
export interface ByteRange {
  first: number;
  last: number;
}
