/**
 * Kills a registry with `kill -9`, its runtime too, at random moments of pushes, deletes and
 * collection, starts it again on what it has stored, and sees whether anything is lost:
 *
 *     npm run kills                              # 200 kills
 *     npm run kills -- --count 4 --lease 3    # as in CI
 *
 * docs/soak.md says what is checked.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Progress } from './load/progress.ts';
import { Random } from './load/random.ts';
import { auditState } from './soak/audit.ts';
import { Clients } from './soak/clients.ts';
import { Exchange } from './soak/exchange.ts';
import { Gate } from './soak/gate.ts';
import { createCommand, onInterruption, parseCount, type SoakOptions } from './soak/options.ts';
import { prepareRegistry } from './soak/prepare.ts';
import { waitForQuiet } from './soak/quiet.ts';
import { RegistryProcess } from './soak/registry-process.ts';
import { printAudit, printReport, printVerdict } from './soak/report.ts';
import { Tally } from './soak/tally.ts';
import { windowsFrom } from './soak/windows.ts';

const CLOCK_INTERVAL = 300; // milliseconds: a run is under way at most moments
const SHORTEST = 200; // milliseconds from the start to the kill
const LONGEST = 8000;
const PATIENCE = 12; // leases, as in soak.ts

/** One layer in so many has several parts, so that uploads take long enough to be cut. */
const RARITY = 25;

const { count, every, seed, clients, lease, keep } = createCommand(
  'npm run kills --',
  'Kill the registry at random moments, and see what is lost',
  15,
)
  .option('--count <number>', 'of kills', parseCount, 200)
  .option('--every <number>', 'kills after which everything is checked', parseCount, 20)
  .parse()
  .opts<SoakOptions & { count: number; every: number }>();

console.log(`kills: ${count}, ${clients} clients, a lease of ${lease} s, seed ${seed}`);
const interruption = onInterruption();
const started = performance.now();
const state = await mkdtemp(join(tmpdir(), 'edgewater-kills-'));
const windows = windowsFrom(lease);
const registry = new RegistryProcess(state, windows, CLOCK_INTERVAL);
const exchange = new Exchange(() => registry.url);
const tally = new Tally();
const gate = new Gate();
const random = new Random(seed);
const progress = new Progress('kills', count);
const crew = new Clients({
  exchange,
  tally,
  windows,
  seed,
  clients,
  rarity: RARITY,
  isKilled: true,
  running: () => gate.opened(),
});
try {
  await prepareRegistry(registry, windows);
  for (let killed = 0; killed < count; ) {
    let isOver = false;
    const working = crew.work(() => isOver);
    for (
      let round = 0;
      round < every && killed < count && !interruption.aborted;
      round++, killed++
    ) {
      await sleep(SHORTEST * (LONGEST / SHORTEST) ** random.next());
      gate.close();
      await registry.kill();
      await registry.start();
      gate.open();
      progress.show(killed + 1, `kills, ${tally.done} events, ${tally.failures.length} failed`);
    }
    isOver = true;
    await working;
    interruption.throwIfAborted();
    await check();
  }
  progress.stop();
  const left = await waitForQuiet(state, PATIENCE * lease);
  const verified = await crew.verify();
  await registry.kill();
  const audit = await auditState(state, true);
  printReport(tally, exchange, registry);
  printAudit(audit);
  console.log(
    `\n${verified} manifests have to be there and were pulled; ${left} things are left over`,
  );
  const failures = [...tally.failures, ...audit.failures];
  printVerdict(`kills: ${count}`, failures, (performance.now() - started) / 1000);
} catch (error) {
  console.error(`kills: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await registry.kill();
  exchange.close();
  if (keep) {
    console.log(`kills: the state is in ${state}`);
  } else {
    await rm(state, { recursive: true, force: true });
  }
}

/** Pulls everything that has to be there, and compares D1 with R2 while nobody works. */
async function check(): Promise<void> {
  const verified = await crew.verify();
  await registry.kill();
  const { failures, objects, orphans } = await auditState(state, false);
  for (const failure of failures) {
    tally.fail(failure);
  }
  console.error(
    `kills: ${verified} manifests pulled, ${objects} objects, ${orphans.length} orphans`,
  );
  await registry.start();
}
