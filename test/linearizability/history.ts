import { Client } from '../schedules/client.ts';
import type { Deployment } from '../schedules/deployment.ts';
import { CALM, type Disturbance, type Rates } from '../schedules/disturbance.ts';
import { newRepository, push, pushManifest } from '../support/client.ts';
import { randomImage, type TestManifest } from '../support/images.ts';
import type { Operation } from './check.ts';

const TAG = 'latest';
const IMAGES = 3;

/** What may be done with the tag. */
type Kind = 'get' | 'head' | 'put' | 'compare and swap' | 'create' | 'delete';
const KINDS: readonly Kind[] = [
  'get',
  'get',
  'head',
  'put',
  'compare and swap',
  'create',
  'delete',
];

/** What several clients do at once to one tag, while their registry is disturbed. */
export class Recorder {
  readonly #deployment: Deployment;
  readonly #disturbance: Disturbance;
  readonly #repository = newRepository();
  readonly #images = Array.from({ length: IMAGES }, () => randomImage());
  readonly #history: Operation[] = [];
  #moment = 0;

  constructor(deployment: Deployment, disturbance: Disturbance) {
    this.#deployment = deployment;
    this.#disturbance = disturbance;
  }

  /** What the tag names before anything is recorded. */
  get first(): string {
    return this.#oneAt(0).digest;
  }

  /** The history of `clients` who do `length` things each; all but the first `writers` only read. */
  async record(
    { clients, length, writers }: { clients: number; length: number; writers: number },
    rates: Rates,
  ): Promise<readonly Operation[]> {
    for (const image of this.#images) {
      await push(this.#repository, image);
    }
    await pushManifest(this.#repository, this.#oneAt(0), TAG);
    for (let client = 0; client < clients; client++) {
      const tag = `/v2/${this.#repository}/manifests/${TAG}`;
      await new Client(this.#deployment, client).once('GET', tag); // who may remember it, does
    }
    this.#disturbance.rates = rates;
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        for (let count = 0; count < length; count++) {
          await this.#act(client, client < writers ? KINDS : ['get']);
        }
      }),
    );
    this.#disturbance.rates = CALM;
    for (let client = 0; client < clients; client++) {
      await this.#act(client, ['get']);
    }
    return this.#history;
  }

  async #act(number: number, kinds: readonly Kind[]): Promise<void> {
    const client = new Client(this.#deployment, number);
    const kind = this.#oneOf(kinds);
    const [image, expected] = [this.#oneOf(this.#images), this.#oneOf(this.#images)];
    this.#moment += 1;
    const start = this.#moment;
    const answer = await client.once(
      methodOf(kind),
      `/v2/${this.#repository}/manifests/${TAG}`,
      requestOf(kind, image, expected),
    );
    await answer?.arrayBuffer();
    this.#moment += 1;
    const isKnown = answer !== null && answer.status !== 503;
    if (!isKnown && (kind === 'get' || kind === 'head')) {
      return;
    }
    const digest = answer?.headers.get('Docker-Content-Digest') ?? null;
    this.#history.push({
      client: number,
      start,
      end: isKnown ? this.#moment : Number.POSITIVE_INFINITY,
      what: `${kind} ${image.digest.slice(7, 11)}: ${answer?.status} ${digest?.slice(7, 11)}`,
      apply: effectOf(kind, isKnown ? answer.status : null, image, expected, digest),
    });
  }

  #oneAt(index: number): TestManifest {
    return this.#images[index] as TestManifest;
  }

  #oneOf<T>(values: readonly T[]): T {
    return values[Math.floor(this.#disturbance.random() * values.length)] as T;
  }
}

function methodOf(kind: Kind): string {
  return kind === 'get' || kind === 'head' || kind === 'delete' ? kind.toUpperCase() : 'PUT';
}

function requestOf(kind: Kind, image: TestManifest, expected: TestManifest): RequestInit {
  if (methodOf(kind) !== 'PUT') {
    return {};
  }
  const condition = {
    'compare and swap': { 'If-Match': `"${expected.digest}"` },
    create: { 'If-None-Match': '*' },
  };
  const headers = {
    'Content-Type': image.mediaType,
    ...(kind === 'compare and swap' || kind === 'create' ? condition[kind] : {}),
  };
  return { body: image.bytes, headers };
}

/** What a register does with the operation; `status` is null when its answer was lost. */
function effectOf(
  kind: Kind,
  status: number | null,
  image: TestManifest,
  expected: TestManifest,
  digest: string | null,
): Operation['apply'] {
  const holds = (value: string | null) =>
    kind === 'put' ||
    (kind === 'create'
      ? value === null
      : kind === 'delete'
        ? value !== null
        : value === expected.digest);
  switch (status) {
    case 200:
      return (value) => (value === digest ? value : undefined);
    case 404:
      return (value) => (value === null ? value : undefined);
    case 412:
      return (value) => (holds(value) ? undefined : value);
    case 201:
    case 202:
    case null:
      return (value) => (holds(value) ? (kind === 'delete' ? null : image.digest) : undefined);
    default:
      throw new Error(`${kind}: ${status}`);
  }
}
