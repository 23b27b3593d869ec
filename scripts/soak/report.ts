import type { Audit } from './audit.ts';
import type { Exchange } from './exchange.ts';
import type { RegistryProcess } from './registry-process.ts';
import type { Tally } from './tally.ts';

/** Prints what was done and what was found. */
export function printReport(
  { events, done, remarks }: Tally,
  { statuses, lost, hangs }: Exchange,
  { collected, faults }: RegistryProcess,
): void {
  console.log(`\n${done} events`);
  printCounts(events);
  console.log('\nanswers by status');
  printCounts(new Map([...statuses].sort().map(([status, count]) => [String(status), count])));
  console.log(`\nconnections that broke: ${lost}, requests without an answer: ${hangs.length}`);
  printCounts(remarks);
  console.log('\ncollection');
  printCounts(new Map(Object.entries(collected)));
  console.log(`\nlines of the registry's log that tell of a fault: ${faults.length}`);
  for (const line of faults.slice(0, 10)) {
    console.log(`  ${line.slice(0, 300)}`);
  }
}

export function printAudit({ objects, bytes, hashed, orphans, rows }: Audit): void {
  console.log(
    `\nR2 has ${objects} objects of ${bytes} bytes; ${hashed} are named by rows, were read and have ` +
      `their digest; ${orphans.length} orphans`,
  );
  printCounts(new Map(Object.entries(rows)));
}

/** The verdict, and the exit code that says the same. */
export function printVerdict(name: string, failures: readonly string[], seconds: number): void {
  for (const failure of failures.slice(0, 50)) {
    console.log(`FAILED: ${failure}`);
  }
  const verdict = failures.length === 0 ? 'nothing was lost' : `${failures.length} failures`;
  console.log(`\n${name}: ${verdict}, in ${seconds.toFixed(0)} s`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

function printCounts(counts: ReadonlyMap<string, number>): void {
  const width = Math.max(0, ...[...counts.keys()].map(({ length }) => length));
  for (const [name, count] of counts) {
    console.log(`  ${name.padEnd(width)}  ${String(count).padStart(10)}`);
  }
}
