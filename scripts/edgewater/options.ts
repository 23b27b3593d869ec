import { InvalidArgumentError } from 'commander';

/** Actions on the repositories whose whole name matches a glob. */
export interface Grant {
  repositories: string;
  actions: string[];
}

export const ACTIONS = ['pull', 'push', 'delete'];

/** Reads one more `--allow pull,push:acme/**`. @throws InvalidArgumentError */
export function addGrant(text: string, previous: Grant[] | undefined): Grant[] {
  const [, list = '', repositories = ''] = /^([^:]*):(.+)$/.exec(text) ?? [];
  const actions = list.split(',');
  if (repositories === '' || !actions.every((action) => ACTIONS.includes(action))) {
    throw new InvalidArgumentError('It has to be as pull,push:acme/** (pull, push, delete).');
  }
  return [...(previous ?? []), { repositories, actions }];
}

/** How {@link addGrant} would have them written. */
export function formatGrants(grants: readonly Grant[] | null): string | null {
  const texts = grants?.map(({ actions, repositories }) => `${actions.join(',')}:${repositories}`);
  return texts?.join(' ') ?? null;
}

/** Reads one more value of an option that can be repeated, or has several between commas. */
export function addValues(text: string, previous: string[] | undefined): string[] {
  const values = text.split(',').map((value) => value.trim());
  if (values.includes('')) {
    throw new InvalidArgumentError('One of its values is empty.');
  }
  return [...(previous ?? []), ...values];
}

/** As {@link addValues}, for numbers. */
export function addNumbers(text: string, previous: number[] | undefined): number[] {
  return [...(previous ?? []), ...addValues(text, []).map(parseWholeNumber)];
}

/** @throws InvalidArgumentError */
export function parseWholeNumber(text: string): number {
  if (!/^\d{1,10}$/.test(text)) {
    throw new InvalidArgumentError('It has to be a whole number.');
  }
  return Number(text);
}

/** Reads a whole number of 1 or more. @throws InvalidArgumentError */
export function parsePositive(text: string): number {
  const number = parseWholeNumber(text);
  if (number < 1) {
    throw new InvalidArgumentError('It has to be 1 or more.');
  }
  return number;
}

/** The life of a secret. */
export type Days = number | 'never';

/** Reads the life of a secret. @throws InvalidArgumentError */
export function parseDays(text: string): Days {
  return text === 'never' ? text : parseWholeNumber(text);
}

/** As the API has it: null is never; left out it is what the registry sees fit. */
export function toExpiry(days: Days | undefined): { expiresInDays?: number | null } {
  return days === undefined ? {} : { expiresInDays: days === 'never' ? null : days };
}

/**
 * Reads a time: RFC 3339 or a date, or how long ago, as 30m, 12h or 7d.
 *
 * @returns RFC 3339
 * @throws InvalidArgumentError
 */
export function parseTime(text: string): string {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ago = Number(count) * (UNITS[unit] ?? Number.NaN);
  const time = count === undefined ? Date.parse(text) : Date.now() - ago * 1000;
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError('It has to be as 2026-01-31T12:00:00Z, or 30m, 12h or 7d.');
  }
  return new Date(time).toISOString();
}

/** Reads how long something lasts, as 30s, 5m, 12h or 7d. In seconds. @throws InvalidArgumentError */
export function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (count === undefined || factor === undefined) {
    throw new InvalidArgumentError('It has to be as 30s, 5m, 12h or 7d.');
  }
  return Number(count) * factor;
}

/** Writes it in the largest unit that leaves nothing over. */
export function formatDuration(seconds: number): string {
  const [unit = 's', size = 1] =
    Object.entries(UNITS).findLast(([, size]) => seconds % size === 0 && seconds >= size) ?? [];
  return `${seconds / size}${unit}`;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }; // seconds
