/**
 * Works in a registry that it starts, with collection every two seconds and lifetimes of seconds, and
 * sees whether anything is lost, refused without a reason, or kept for ever:
 *
 *     npm run soak                                        # 100,000 events
 *     npm run soak -- --events 1500 --lease 5             # as in CI
 *
 * docs/soak.md says what is checked.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Progress } from './load/progress.ts';
import { auditState } from './soak/audit.ts';
import { Clients } from './soak/clients.ts';
import { Exchange } from './soak/exchange.ts';
import { createCommand, onInterruption, parseCount, type SoakOptions } from './soak/options.ts';
import { prepareRegistry } from './soak/prepare.ts';
import { waitForQuiet } from './soak/quiet.ts';
import { RegistryProcess } from './soak/registry-process.ts';
import { printAudit, printReport, printVerdict } from './soak/report.ts';
import { Tally } from './soak/tally.ts';
import { windowsFrom } from './soak/windows.ts';

const CLOCK_INTERVAL = 2000; // milliseconds

/** From the last event until what hangs on what hangs on it is collected: so many leases. */
const PATIENCE = 12;

const { events, seed, clients, lease, keep } = createCommand(
  'npm run soak --',
  'Push, pull, delete and collect at the same time, and see what is lost',
  15,
)
  .option('--events <number>', 'how many', parseCount, 100_000)
  .parse()
  .opts<SoakOptions & { events: number }>();

console.log(`soak: ${events} events, ${clients} clients, a lease of ${lease} s, seed ${seed}`);
const interruption = onInterruption();
const started = performance.now();
const state = await mkdtemp(join(tmpdir(), 'edgewater-soak-'));
const windows = windowsFrom(lease);
const registry = new RegistryProcess(state, windows, CLOCK_INTERVAL);
const exchange = new Exchange(() => registry.url);
const tally = new Tally();
const progress = new Progress('soak', events);
try {
  await prepareRegistry(registry, windows);
  const crew = new Clients({
    exchange,
    tally,
    windows,
    seed,
    clients,
    rarity: 400,
    isKilled: false,
    running: async () => {},
  });
  const timer = setInterval(() => {
    const { manifests, blobs } = registry.collected;
    progress.show(tally.done, `${tally.failures.length} failed; ${manifests}+${blobs} collected`);
  }, 1000);
  await crew.work(() => tally.done >= events || interruption.aborted);
  clearInterval(timer);
  progress.stop();
  interruption.throwIfAborted();
  const left = await waitForQuiet(state, PATIENCE * lease);
  const verified = await crew.verify();
  await registry.kill();
  const audit = await auditState(state, true);
  printReport(tally, exchange, registry);
  printAudit(audit);
  console.log(
    `\n${verified} manifests have to be there and were pulled; ${left} things are left over`,
  );
  const failures = [...tally.failures, ...audit.failures, ...registry.faults];
  printVerdict('soak', failures, (performance.now() - started) / 1000);
} catch (error) {
  console.error(`soak: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await registry.kill();
  exchange.close();
  if (keep) {
    console.log(`soak: the state is in ${state}`);
  } else {
    await rm(state, { recursive: true, force: true });
  }
}
