import type { QuotaRecord } from '../storage/metadata/within-quota.ts';

/** What there is of something, and may be. */
export interface Measure {
  used: number;
  quota: number | null; // null: as much as they like
  percent: number | null; // of the quota, rounded down
}

/** How near a namespace is to a quota. */
export const LEVELS = ['ok', 'warning', 'full'] as const;

export type Level = (typeof LEVELS)[number];

/** What a namespace has, and may have. */
export interface Usage {
  level: Level; // of the quota that is nearest
  warningPercent: number; // of a quota, from which on it is "warning"
  bytes: Measure; // each content once
  repositories: Measure; // without deleted ones
}

export function toUsage(record: QuotaRecord): Usage {
  const bytes = toMeasure(record.usedBytes, record.quotaBytes);
  const repositories = toMeasure(record.repositoryCount, record.quotaRepositories);
  const percent = Math.max(bytes.percent ?? 0, repositories.percent ?? 0);
  const warningPercent = record.quotaWarning;
  const level = percent >= 100 ? 'full' : percent >= warningPercent ? 'warning' : 'ok';
  return { level, warningPercent, bytes, repositories };
}

function toMeasure(used: number, quota: number | null): Measure {
  return { used, quota, percent: quota === null ? null : percentOf(used, quota) };
}

/** Of nothing, anything is all. */
function percentOf(used: number, quota: number): number {
  return quota === 0 ? 100 : Math.floor((used * 100) / quota);
}
