/**
 * Works in a registry that it starts, with collection every two seconds and lifetimes of seconds, and
 * sees whether anything is lost, refused without a reason, or kept for ever:
 *
 *     npm run soak                                        # 100,000 events
 *     npm run soak -- --events 800 --lease 5              # a short form
 *
 * docs/soak.md says what is checked.
 */
import { Progress } from './load/progress.ts';
import { Clients } from './soak/clients.ts';
import { createCommand, parseCount, type SoakOptions } from './soak/options.ts';
import { runTrial, type Stage } from './soak/trial.ts';

const CLOCK_INTERVAL = 2000; // milliseconds

const options = createCommand(
  'npm run soak --',
  'Push, pull, delete and collect at the same time, and see what is lost',
  15,
)
  .option('--events <number>', 'how many', parseCount, 100_000)
  .parse()
  .opts<SoakOptions & { events: number }>();
const { events, seed, clients, lease } = options;

console.log(`soak: ${events} events, ${clients} clients, a lease of ${lease} s, seed ${seed}`);
await runTrial({
  name: 'soak',
  verdict: 'soak',
  options,
  clockInterval: CLOCK_INTERVAL,
  allowsFaults: false,
  work,
});

async function work(stage: Stage): Promise<Clients> {
  const { registry, exchange, tally, windows, interrupted } = stage;
  const progress = new Progress('soak', events);
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
  await crew.work(() => tally.done >= events || interrupted.aborted);
  clearInterval(timer);
  progress.stop();
  interrupted.throwIfAborted();
  return crew;
}
