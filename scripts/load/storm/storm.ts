import { type Image, makeImage } from '../../bench/load/image.ts';
import { toNumber } from '../../bench/report/tables.ts';
import { median, percentile, time } from '../../bench/samples.ts';
import { Client } from '../client.ts';
import { MemoryWatch, memoryOf } from '../memory.ts';
import { Progress } from '../progress.ts';
import { type Published, Repository } from '../repository.ts';
import { explainFailures, type Outcome, type Stage } from '../scenario.ts';
import { createServer, NAMESPACE, restartServer, type Server } from '../server.ts';
import { Tokens } from '../tokens.ts';
import { pullAsDocker } from './pull.ts';

const REPOSITORY = `${NAMESPACE}/storm`;
const TAG = 'latest';
const LAYERS = 5;
const LAYER = 2 * 2 ** 20; // bytes

/** The digests of one pull in so many are compared: to hash them all would hold up the server. */
const COMPARED = 20;

const SAMPLE_INTERVAL = 250; // milliseconds

/** What all pulls of one storm took. */
interface Storm {
  name: 'cold' | 'warm';
  times: number[]; // milliseconds
  total: number; // milliseconds until the last one was done
  growth: number; // bytes that the runtime had more than before at most
  failures: string[];
}

/** Many pulls of one image that all begin at once. */
export async function storm(stage: Stage): Promise<Outcome> {
  const { settings, signal } = stage;
  let server = await createServer(stage, settings.who);
  try {
    const published = await push(server);
    server = await restartServer(stage, server); // nothing of it is in memory or cache
    const storms: Storm[] = [];
    for (const name of ['cold', 'warm'] as const) {
      signal.throwIfAborted();
      storms.push(await pullAll(name, server, published, settings.pulls));
    }
    const failures = storms.flatMap(({ failures }) => failures);
    return {
      name: 'storm',
      about:
        `${settings.pulls} pulls of one image of 10 MiB (${LAYERS} layers) begin at once, each on ` +
        'connections of its own and with a token that it fetches as docker does. Cold: the ' +
        'registry was started after the push. Harbor 2.1 published a median of 151 s for 500 such pulls.',
      tables: [toTable(storms)],
      pledges: [{ text: 'no pull fails', isKept: failures.length === 0 }],
      failures: explainFailures(failures),
      measurements: storms,
    };
  } finally {
    await server.stop();
  }
}

async function push(server: Server): Promise<Published> {
  const image: Image = makeImage(LAYERS, LAYER);
  const client = new Client(1);
  const tokens = new Tokens(server.url, server.login);
  try {
    const authorize = () => tokens.authorize([REPOSITORY]);
    await new Repository(client, server.url, REPOSITORY, authorize).pushAsDocker(image, TAG);
    return { repository: REPOSITORY, tag: TAG, manifest: image.manifest, blobs: image.blobs };
  } finally {
    client.close();
    tokens.close();
  }
}

async function pullAll(
  name: Storm['name'],
  server: Server,
  published: Published,
  count: number,
): Promise<Storm> {
  const tokens = new Tokens(server.url, server.login);
  const progress = new Progress(`storm, ${name}`, count);
  const times: number[] = [];
  const failures: string[] = [];
  const before = await memoryOf(server.runtime);
  const watch = new MemoryWatch(server.runtime, SAMPLE_INTERVAL);
  const pull = async (_: unknown, index: number) => {
    try {
      const isCompared = index % COMPARED === 0;
      times.push(await time(() => pullAsDocker(server, tokens, published, isCompared)));
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
    progress.show(times.length + failures.length, `pulls, ${failures.length} failed`);
  };
  const total = await time(async () => {
    await Promise.all(Array.from({ length: count }, pull));
  });
  progress.stop();
  tokens.close();
  watch.stop();
  const growth = watch.peak - before.resident;
  return { name, times, total, growth, failures };
}

function toTable(storms: readonly Storm[]) {
  return {
    headings: ['', 'pulls', 'failed', 'median, s', 'p95, s', 'max, s', 'MB/s', 'workerd grew, MB'],
    rows: storms.map(({ name, times, total, growth, failures }) => [
      name,
      String(times.length),
      String(failures.length),
      ...[median(times), percentile(times, 0.95), percentile(times, 1)].map((it) =>
        toNumber(it / 1000),
      ),
      toNumber((times.length * LAYERS * LAYER) / 1e3 / total),
      toNumber(growth / 1e6),
    ]),
  };
}
