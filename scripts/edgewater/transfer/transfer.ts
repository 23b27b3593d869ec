import { formatBytes } from '../amount.ts';
import type { Columns } from '../output.ts';

/** A copy from another registry or to it, as the API has it. */
export interface Transfer {
  id: string;
  principal: string;
  from: string;
  to: string;
  state: 'running' | 'done' | 'failed' | 'canceled';
  repositories: number;
  copied: number;
  present: number;
  failed: number;
  waiting: number;
  bytes: number;
  pausedUntil: string | null;
  pausedBecause: string | null;
  failures: { repository: string; tag: string | null; reason: string }[];
  createdAt: string;
  finishedAt: string | null;
}

export const TRANSFER_COLUMNS: Columns<Transfer> = {
  transfer: ({ id }) => id,
  from: ({ from }) => from,
  to: ({ to }) => to,
  state: ({ state }) => state,
  copied: ({ copied }) => copied,
  'there before': ({ present }) => present,
  failed: ({ failed }) => failed,
  waiting: ({ waiting }) => waiting,
  size: ({ bytes }) => formatBytes(bytes),
};

/** With what only one of them is asked for. */
export const TRANSFER_DETAILS: Columns<Transfer> = {
  ...TRANSFER_COLUMNS,
  repositories: ({ repositories }) => repositories,
  'started by': ({ principal }) => principal,
  started: ({ createdAt }) => createdAt,
  ended: ({ finishedAt }) => finishedAt,
  'paused until': ({ pausedUntil }) => pausedUntil,
  because: ({ pausedBecause }) => pausedBecause,
};

/** What could not be copied, a line each. */
export function failureLines({ failures, failed }: Transfer): string[] {
  const more = failed > failures.length ? [`and ${failed - failures.length} more`] : [];
  return [
    ...failures.map(({ repository, tag, reason }) => {
      const name = tag === null ? repository : `${repository}:${tag}`;
      return `${name}: ${reason}`;
    }),
    ...more,
  ];
}
