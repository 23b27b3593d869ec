import { toNumber } from '../../bench/report/tables.ts';
import { median, percentile } from '../../bench/samples.ts';
import type { Table } from '../scenario.ts';

/** What was done, how long each took, and what failed. */
export class Tally {
  readonly times: Record<string, number[]>; // milliseconds, by the name of an action
  readonly failures: string[] = [];

  constructor(names: readonly string[]) {
    this.times = Object.fromEntries(names.map((name) => [name, []]));
  }

  get done(): number {
    return Object.values(this.times).reduce((sum, { length }) => sum + length, 0);
  }

  /** Does something and remembers how it went; it never throws. */
  async count(name: string, work: () => Promise<void>): Promise<void> {
    const start = performance.now();
    try {
      await work();
      this.times[name]?.push(performance.now() - start);
    } catch (error) {
      const reason = error instanceof Error ? error.message : error;
      this.failures.push(`${new Date().toISOString()} ${name}: ${reason}`);
    }
  }

  toTable(): Table {
    return {
      headings: ['', 'done', 'median, ms', 'p99, ms', 'max, ms'],
      rows: Object.entries(this.times).map(([name, times]) => [
        name,
        String(times.length),
        toNumber(median(times)),
        toNumber(percentile(times, 0.99)),
        toNumber(times.reduce((most, time) => Math.max(most, time), 0)),
      ]),
    };
  }
}
