import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client.ts';
import { MemoryWatch, memoryOf } from '../memory.ts';
import { Progress } from '../progress.ts';
import { Random } from '../random.ts';
import { Repository } from '../repository.ts';
import { explainFailures, type Outcome, type Stage } from '../scenario.ts';
import { createServer, NAMESPACE, type Server } from '../server.ts';
import { Tokens } from '../tokens.ts';
import { describeGrowth } from './growth.ts';
import { Library } from './library.ts';
import { Tally } from './tally.ts';
import { ACTIONS, type Action, type Worker } from './work.ts';

const REPOSITORIES = Array.from({ length: 8 }, (_, index) => `${NAMESPACE}/app-${index}`);
const FIRST_IMAGES = 16; // before the clock starts, for pulls need something
const SAMPLE_INTERVAL = 5000; // milliseconds

/** Until Durable Objects that nobody asks have left the memory: ten seconds, and some to spare. */
const QUIET = 30_000; // milliseconds

/** Pushes and pulls of all kinds at once, for a long time. */
export async function mixed(stage: Stage): Promise<Outcome> {
  const { settings, signal } = stage;
  const server = await createServer(stage, settings.who);
  const tokens = new Tokens(server.url, server.login);
  const clients = Array.from({ length: settings.connections }, () => new Client(1));
  const random = new Random(settings.seed);
  const library = new Library(random);
  const tally = new Tally(ACTIONS.map(({ name }) => name));
  const seconds = settings.minutes * 60;
  try {
    const workers = clients.map((client, index) =>
      createWorker({ client, server, tokens }, library, index, settings.seed),
    );
    await pushFirst(workers);
    const watch = new MemoryWatch(server.runtime, SAMPLE_INTERVAL);
    const end = performance.now() + seconds * 1000;
    const isOver = () => performance.now() >= end || signal.aborted;
    const told = tell(tally, watch, seconds, isOver);
    await Promise.all([...workers.map((worker) => work(worker, tally, isOver)), told]);
    signal.throwIfAborted();
    const memory = watch.stop();
    await sleep(QUIET);
    const quiet = await memoryOf(server.runtime).catch(() => null);
    if (quiet === null) {
      tally.failures.unshift('the runtime of the registry has ended');
    }
    const growth = describeGrowth(memory, seconds, quiet);
    return {
      name: 'mixed',
      about:
        `Pushes and pulls of all kinds at ${settings.connections} connections for ` +
        `${settings.minutes} minutes: ${tally.done} of them, ${library.size} images, seed ` +
        `${settings.seed}. Every status was compared, the digest of everything that was pulled, ` +
        'and every range byte for byte. Memory is that of the runtime after the first fifth of the ' +
        `time, and when nobody had asked anything for ${QUIET / 1000} s.`,
      tables: [tally.toTable(), growth.table],
      pledges: [
        { text: 'every answer is right, none is missing', isKept: tally.failures.length === 0 },
        growth.pledge,
      ],
      failures: explainFailures(tally.failures),
      measurements: { ...tally, memory, quiet, fit: growth.fit, images: library.size },
    };
  } finally {
    for (const closable of [tokens, ...clients]) {
      closable.close();
    }
    await server.stop();
  }
}

interface Connection {
  client: Client;
  server: Server;
  tokens: Tokens;
}

function createWorker(
  { client, server, tokens }: Connection,
  library: Library,
  index: number,
  seed: number,
): Worker {
  const create = (name: string, scope: readonly string[]) =>
    new Repository(client, server.url, name, () => tokens.authorize(scope));
  const own = `${NAMESPACE}/own-${index}`;
  const shared = new Map(REPOSITORIES.map((name) => [name, create(name, REPOSITORIES)]));
  return {
    library,
    random: new Random(seed + index + 1),
    repositories: REPOSITORIES,
    own: create(own, [own]),
    open: (name) => shared.get(name) ?? create(name, REPOSITORIES),
  };
}

async function pushFirst(workers: readonly Worker[]): Promise<void> {
  const [worker] = workers;
  const [push] = ACTIONS;
  for (let pushed = 0; pushed < FIRST_IMAGES && worker && push; pushed++) {
    await push.run(worker);
  }
}

async function work(worker: Worker, tally: Tally, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const action = choose(worker.random);
    await tally.count(action.name, () => action.run(worker));
  }
}

const TOTAL = ACTIONS.reduce((sum, { weight }) => sum + weight, 0);

function choose(random: Random): Action {
  let left = random.next() * TOTAL;
  const chosen = ACTIONS.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  return chosen ?? random.pick(ACTIONS);
}

async function tell(
  tally: Tally,
  watch: MemoryWatch,
  seconds: number,
  isOver: () => boolean,
): Promise<void> {
  const progress = new Progress('mixed', seconds);
  const start = performance.now();
  while (!isOver()) {
    const memory = (watch.samples.at(-1)?.resident ?? 0) / 1e6;
    progress.show(
      Math.round((performance.now() - start) / 1000),
      `s, ${tally.done} done, ${tally.failures.length} failed, workerd has ${memory.toFixed(0)} MB`,
    );
    await sleep(1000);
  }
  progress.stop();
}
