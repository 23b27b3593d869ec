/** What the platform was asked, in the units that it charges for. */
export interface Counts {
  r2ClassA: number;
  r2ClassB: number;
  d1Queries: number; // round trips of one statement
  d1Batches: number; // round trips of several
  d1RowsRead: number;
  d1RowsWritten: number;
  objectRequests: number; // RPC calls of Durable Objects
  cacheLookups: number;
}

export const NOTHING: Counts = {
  r2ClassA: 0,
  r2ClassB: 0,
  d1Queries: 0,
  d1Batches: 0,
  d1RowsRead: 0,
  d1RowsWritten: 0,
  objectRequests: 0,
  cacheLookups: 0,
};
