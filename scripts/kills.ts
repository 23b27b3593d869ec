/**
 * Kills a registry with `kill -9`, its runtime too, at random moments of pushes, deletes and
 * collection, starts it again on what it has stored, and sees whether anything is lost:
 *
 *     npm run kills                              # 200 kills
 *     npm run kills -- --count 3 --lease 3       # a short form
 *
 * docs/soak.md says what is checked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Progress } from './load/progress.ts';
import { Random } from './load/random.ts';
import { auditState } from './soak/audit.ts';
import { Clients } from './soak/clients.ts';
import { Gate } from './soak/gate.ts';
import { createCommand, parseCount, type SoakOptions } from './soak/options.ts';
import { runTrial, type Stage } from './soak/trial.ts';

const CLOCK_INTERVAL = 300; // milliseconds: a run is under way at most moments
const SHORTEST = 200; // milliseconds from the start to the kill
const LONGEST = 8000;

/** One layer in so many has several parts, so that uploads take long enough to be cut. */
const RARITY = 25;

const options = createCommand(
  'npm run kills --',
  'Kill the registry at random moments, and see what is lost',
  15,
)
  .option('--count <number>', 'of kills', parseCount, 200)
  .option('--every <number>', 'kills after which everything is checked', parseCount, 20)
  .parse()
  .opts<SoakOptions & { count: number; every: number }>();
const { count, every, seed, clients, lease } = options;

console.log(`kills: ${count}, ${clients} clients, a lease of ${lease} s, seed ${seed}`);
await runTrial({
  name: 'kills',
  verdict: `kills: ${count}`,
  options,
  clockInterval: CLOCK_INTERVAL,
  allowsFaults: true,
  work,
});

async function work(stage: Stage): Promise<Clients> {
  const { registry, exchange, tally, windows, interrupted } = stage;
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
  for (let killed = 0; killed < count; ) {
    let isOver = false;
    const working = crew.work(() => isOver);
    for (
      let round = 0;
      round < every && killed < count && !interrupted.aborted;
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
    interrupted.throwIfAborted();
    await check(stage, crew);
  }
  progress.stop();
  return crew;
}

/** Pulls everything that has to be there, and compares D1 with R2 while nobody works. */
async function check({ registry, tally, state }: Stage, crew: Clients): Promise<void> {
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
