import { setTimeout as sleep } from 'node:timers/promises';
import { makeImage } from '../../bench/load/image.ts';
import { toNumber, toRatio } from '../../bench/report/tables.ts';
import { median } from '../../bench/samples.ts';
import { Client } from '../client.ts';
import { memoryOf } from '../memory.ts';
import { Progress } from '../progress.ts';
import { Random } from '../random.ts';
import { type Published, Repository } from '../repository.ts';
import { explainFailures, type Outcome, type Stage, type Table } from '../scenario.ts';
import { createServer, NAMESPACE } from '../server.ts';
import { Tokens } from '../tokens.ts';
import { type Layer, pushLayers } from './layers.ts';
import { type Pace, pullFast } from './pullers.ts';
import { SlowReader } from './reader.ts';

const REPOSITORY = `${NAMESPACE}/slow`;
const PULLERS = 8;
const IMAGES = 20;
const LAYER = 32 * 2 ** 10; // bytes
const SETTLING = 8000; // milliseconds: fills of the cache are over, what was left behind is freed
const ENOUGH = 0.9; // of the pace without slow readers

/** One half of a round. */
interface Half extends Pace {
  readers: number; // slow ones
  before: number; // bytes that the runtime has before they come
  after: number; // and at the end
}

interface Round {
  with: Half;
  without: Half;
}

/** Readers of large layers who take a kilobyte a second, and others who are in a hurry. */
export async function slow(stage: Stage): Promise<Outcome> {
  const { settings, signal } = stage;
  const server = await createServer(stage, settings.who);
  const tokens = new Tokens(server.url, server.login);
  const clients = Array.from({ length: PULLERS }, () => new Client(1));
  const authorize = () => tokens.authorize([REPOSITORY]);
  const pullers = clients.map(
    (client) => new Repository(client, server.url, REPOSITORY, authorize),
  );
  const progress = new Progress('slow', settings.rounds * 2);
  const rounds: Round[] = [];
  try {
    const [first] = pullers as [Repository, ...Repository[]];
    const images = await pushImages(first);
    await pullFast(pullers, images, new Random(settings.seed), 3);
    const half = async (layers: readonly Layer[], round: number): Promise<Half> => {
      signal.throwIfAborted();
      progress.show(rounds.length * 2 + (layers.length > 0 ? 0 : 1), `halves of rounds done`);
      const before = (await memoryOf(server.runtime)).resident;
      const readers = await startReaders(server.url, layers, settings.readers, await authorize());
      await sleep(SETTLING);
      const random = new Random(settings.seed + round); // the same images in both halves
      const pace = await pullFast(pullers, images, random, settings.seconds);
      const after = (await memoryOf(server.runtime)).resident;
      pace.failures.push(...stopReaders(readers, SETTLING / 1000 + settings.seconds));
      return { ...pace, readers: readers.length, before, after };
    };
    for (let round = 0; round < settings.rounds; round++) {
      const layers = await pushLayers(first);
      rounds.push({ with: await half(layers, round), without: await half([], round) });
    }
  } finally {
    progress.stop();
    for (const closable of [tokens, ...clients]) {
      closable.close();
    }
    await server.stop();
  }
  return toOutcome(rounds, settings.readers);
}

async function pushImages(repository: Repository): Promise<Published[]> {
  const images: Published[] = [];
  for (let pushed = 0; pushed < IMAGES; pushed++) {
    const { manifest, blobs, ...image } = makeImage(3, LAYER);
    const tag = `small-${pushed}`;
    await repository.pushAsContainerd({ manifest, blobs, ...image }, tag);
    images.push({ repository: REPOSITORY, tag, manifest, blobs });
  }
  return images;
}

async function startReaders(
  url: string,
  layers: readonly Layer[],
  count: number,
  authorization: string,
): Promise<{ reader: SlowReader; layer: Layer }[]> {
  const share = Math.ceil(count / Math.max(1, layers.length));
  return layers.flatMap((layer) =>
    Array.from({ length: share }, () => {
      const address = `${url}/v2/${REPOSITORY}/blobs/${layer.content.digest}`;
      return { reader: new SlowReader(address, authorization), layer };
    }),
  );
}

/** @returns what they had to complain about after so many seconds */
function stopReaders(
  readers: readonly { reader: SlowReader; layer: Layer }[],
  seconds: number,
): string[] {
  const complaints = readers.flatMap(({ reader, layer }) => {
    if (!reader.isReading) {
      const end = reader.isClosed ? ' and was cut off' : '';
      return [`a slow reader (${layer.name}) got "${reader.status}"${end}`];
    }
    const wanted = (seconds - 3) * 1024;
    return reader.received < wanted / 2
      ? [`a slow reader (${layer.name}) got ${reader.received} bytes in ${seconds} s`]
      : [];
  });
  for (const { reader } of readers) {
    reader.stop();
  }
  return complaints;
}

function toOutcome(rounds: readonly Round[], readers: number): Outcome {
  const failures = rounds.flatMap((round) => [...round.with.failures, ...round.without.failures]);
  const ratio = median(rounds.map((round) => round.with.rate / round.without.rate));
  return {
    name: 'slow',
    about:
      `${readers} readers take 1 KiB a second each of layers of 64 MiB, a quarter each of a warm ` +
      `and of a cold one that was pushed in one PUT or streamed, while ${PULLERS} others pull small ` +
      'images as fast as they can. Medians of rounds that have a half with the readers and one without.',
    tables: [toTable(rounds, ratio)],
    pledges: [
      { text: `slow readers leave others ${ENOUGH} of their pace`, isKept: ratio >= ENOUGH },
      { text: 'everybody is served', isKept: failures.length === 0 },
    ],
    failures: explainFailures(failures),
    measurements: rounds,
  };
}

function toTable(rounds: readonly Round[], ratio: number): Table {
  const row = (name: string, half: 'with' | 'without') => {
    const middle = (of: (it: Half) => number) => toNumber(median(rounds.map((it) => of(it[half]))));
    return [
      name,
      middle(({ rate }) => rate),
      middle(({ p50 }) => p50),
      middle(({ p99 }) => p99),
      middle(({ after, before }) => (after - before) / 1e6),
      middle(({ after }) => after / 1e6),
    ];
  };
  return {
    headings: ['', 'images/s', 'p50, ms', 'p99, ms', 'workerd grew, MB', 'workerd has, MB'],
    rows: [
      row('with slow readers', 'with'),
      row('without', 'without'),
      ['ratio', toRatio(ratio), '', '', '', ''],
    ],
  };
}
