import { InvalidArgumentError } from 'commander';

/** How much there may be of something. */
export type Limit = number | 'none';

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'];

/** Reads a number of bytes as 50GB, 512MiB or 1000, or "none". @throws InvalidArgumentError */
export function parseBytes(text: string): Limit {
  if (text === 'none') {
    return text;
  }
  const [, count = '', prefix = '', binary] = /^(\d+(?:\.\d+)?)([kKMGTP]?)(i?)B?$/.exec(text) ?? [];
  const base = binary === 'i' ? 1024 : 1000;
  const bytes = Math.round(Number(count) * base ** PREFIXES.indexOf(prefix.replace('K', 'k')));
  if (count === '' || !Number.isSafeInteger(bytes)) {
    throw new InvalidArgumentError('It has to be as 50GB, 512MiB or none.');
  }
  return bytes;
}

/** Reads a whole number, or "none". @throws InvalidArgumentError */
export function parseLimit(text: string): Limit {
  if (text !== 'none' && !/^\d{1,10}$/.test(text)) {
    throw new InvalidArgumentError('It has to be a whole number, or none.');
  }
  return text === 'none' ? text : Number(text);
}

/** As the API has it: null is as much as one likes. */
export function toLimit(limit: Limit): number | null {
  return limit === 'none' ? null : limit;
}

/** Writes how many there are: "1 tag", "2 tags". */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Writes bytes to three digits: "49.9 GB". */
export function formatBytes(bytes: number): string {
  let amount = bytes;
  let place = 0;
  for (; Math.abs(amount) >= 999.5 && place < PREFIXES.length - 1; place++) {
    amount /= 1000;
  }
  const digits = place === 0 || amount >= 99.95 ? 0 : amount >= 9.995 ? 1 : 2;
  return `${amount.toFixed(digits)} ${PREFIXES[place]}B`;
}
