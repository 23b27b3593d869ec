import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Contestant, Place } from './contestants/contestant.ts';

/** What zot's benchmark measured in one of its tests. Latencies are in milliseconds. */
export interface ZbResult {
  contestant: string;
  test: string;
  rate: number; // requests a second
  p50: number;
  p99: number;
  failures: number;
}

/** The options that zot's documentation shows. */
export const ZB_OPTIONS = ['-c', '2', '-n', '100'];

const TESTS = [
  'Get Catalog',
  'Push Monolith 1MB',
  'Push Chunk Streamed 1MB',
  'Pull 1MB',
  'Pull 75% and Push 25% Mixed 1MB',
];

/** In the units of Go's durations. */
const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
};

/**
 * Runs zb on an open instance, for it knows no bearer tokens.
 *
 * @throws Error with its first complaint, when it ends early
 */
export async function runZb(
  program: string,
  contestant: Contestant,
  place: Place,
): Promise<ZbResult[]> {
  const working = join(place.folder, 'zb');
  await mkdir(working, { recursive: true });
  const { url, stop } = await contestant.start(place, true);
  try {
    const args = [url, ...ZB_OPTIONS, '-d', working, '-t', `^(${TESTS.join('|')})$`];
    const { stdout } = await promisify(execFile)(program, args, {
      cwd: working,
      maxBuffer: 2 ** 26, // it may repeat a complaint for each request
      signal: place.signal,
    }).catch((error: { stdout?: string; message: string }) => {
      const line = error.stdout?.split('\n').find((text) => text.includes('Expected'));
      throw new Error(line?.trim() ?? error.message);
    });
    return parse(stdout, contestant.name);
  } finally {
    await stop();
  }
}

function parse(output: string, contestant: string): ZbResult[] {
  return output
    .split('Test name:')
    .slice(1)
    .map((text) => ({
      contestant,
      test: text.split('\n')[0]?.trim() ?? '',
      rate: Number(/Requests per second:\s*(\S+)/.exec(text)?.[1]),
      p50: toMilliseconds(/p50:\s*(\S+)/.exec(text)?.[1] ?? ''),
      p99: toMilliseconds(/p99:\s*(\S+)/.exec(text)?.[1] ?? ''),
      failures: Number(/Failed requests:\s*(\d+)/.exec(text)?.[1]),
    }));
}

/** Of a duration as Go writes it: "1m2.5s", "17.3ms". */
function toMilliseconds(duration: string): number {
  let sum = 0;
  for (const [, number, unit = ''] of duration.matchAll(/([\d.]+)([a-zµ]+)/g)) {
    sum += Number(number) * (MILLISECONDS[unit] ?? Number.NaN);
  }
  return sum;
}
