import { expect } from 'vitest';
import { newRepository } from '../support/client.ts';
import {
  descriptorOf,
  digestOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  type TestManifest,
} from '../support/images.ts';
import { wait } from '../support/wait.ts';
import { BadAnswer, Client, type Outcome } from './client.ts';
import { Deployment } from './deployment.ts';
import { CALM, Disturbance } from './disturbance.ts';
import { type Command, IMAGES, type Program, REPOSITORIES, type Tick } from './program.ts';

const HOUR = 60 * 60; // seconds
const LEASE = 24 * HOUR; // what is left of a lease that a HEAD finds, at least
const TAG_NAMES = ['a', 'b'];
const ISOLATES = 2;
const LARGE = 1_000_001; // bytes: a manifest that is in R2

/** A tag of a repository as one client was promised it, or as nobody knows. */
interface Promised {
  digest: string | null;
  /** When it was asked for and when it was answered, counted in requests. */
  start: number;
  end: number;
}

/** What a schedule did: for the count of them. */
export interface Done {
  commands: number;
  acknowledged: number;
  calls: number;
  faults: number;
  crashes: number;
}

/** Runs one program on the real bindings, and says by throwing what was wrong. */
export class Schedule {
  readonly #program: Program;
  readonly #disturbance: Disturbance;
  readonly #deployment: Deployment;
  readonly #repositories = Array.from({ length: REPOSITORIES }, newRepository);
  readonly #images = images();
  /** By repository and tag: everything that was done to it. */
  readonly #promises = new Map<string, Promised[]>();
  #moment = 0;
  #passed = 0; // seconds
  /** Beginnings and ends of deletes of blobs and manifests: what one took meanwhile nobody was promised. */
  #deletes = 0;
  #acknowledged = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#disturbance = new Disturbance(program.seed);
    this.#deployment = new Deployment(this.#disturbance, ISOLATES);
  }

  async run(): Promise<Done> {
    const { clients, clock, faults } = this.#program;
    const rate = faults / 100;
    this.#disturbance.rates = { late: 0.5, before: rate, after: rate, crash: rate / 3 };
    await Promise.all([
      ...clients.map((commands, number) => this.#client(commands, number)),
      this.#clock(clock),
    ]);
    this.#disturbance.rates = CALM;
    await this.#deployment.restart();
    await this.#checkPromises();
    await this.#repeat();
    const { calls, before, after, crashes } = this.#disturbance.counts;
    const commands = clients.flat().length;
    return { commands, acknowledged: this.#acknowledged, calls, faults: before + after, crashes };
  }

  async #client(commands: readonly Command[], number: number): Promise<void> {
    const isDoubled = () => this.#disturbance.random() < this.#disturbance.rates.before / 2;
    // A commit whose answer was lost is not found again either, when somebody deletes its blob meanwhile.
    let deletes = 0;
    const mayBeGone = () => this.#program.clock.length > 0 || this.#deletes > deletes;
    const client = new Client(this.#deployment, number, { isDoubled, mayBeGone });
    for (const command of commands) {
      deletes = this.#deletes;
      await this.#act(client, command);
    }
  }

  async #clock(ticks: readonly Tick[]): Promise<void> {
    for (const { hours, runs } of ticks) {
      await new Promise((resolve) => setTimeout(resolve, this.#disturbance.random() * 20));
      await wait(hours * HOUR);
      this.#passed += hours * HOUR;
      if (runs) {
        await this.#deployment.tick(1);
      }
    }
  }

  async #act(client: Client, command: Command): Promise<void> {
    const repository = this.#repositories[command.repository] ?? '';
    const at = (what: string) => `/v2/${repository}/${what}`;
    switch (command.do) {
      case 'push':
      case 'mount':
        return this.#push(client, repository, command);
      case 'pull':
        return pull(client, repository, this.#tagName(command.tag));
      case 'delete tag':
        return this.#change([`${repository} ${this.#tagName(command.tag)}`], null, async () => {
          const outcome = await client.call(
            'DELETE',
            at(`manifests/${this.#tagName(command.tag)}`),
          );
          expectStatus(outcome, [202, 404]);
          return outcome !== null;
        });
      case 'delete manifest': {
        const { digest } = this.#image(command.image);
        const tags = TAG_NAMES.map((tag) => `${repository} ${tag}`);
        return this.#change(tags, 'unknown', async () => {
          await this.#delete(client, at(`manifests/${digest}`));
          return false;
        });
      }
      case 'delete blob': {
        const [blob] = this.#image(command.image).blobs;
        return this.#delete(client, at(`blobs/${blob?.digest}`));
      }
    }
  }

  async #delete(client: Client, path: string): Promise<void> {
    this.#deletes += 1;
    const outcome = await client.call('DELETE', path);
    this.#deletes += 1;
    expectStatus(outcome, [202, 404, 405]);
  }

  async #push(
    client: Client,
    repository: string,
    command: Extract<Command, { do: 'push' | 'mount' }>,
  ): Promise<void> {
    const image = this.#image(command.image);
    const [deletes, started] = [this.#deletes, this.#passed];
    const way = command.do === 'push' ? command.way : 'post';
    for (const blob of image.blobs) {
      if (command.do === 'mount') {
        const from = this.#repositories.find((name) => name !== repository);
        const query = `?mount=${blob.digest}&from=${from}`;
        expectStatus(
          await client.call('POST', `/v2/${repository}/blobs/uploads/${query}`),
          [201, 202],
        );
      }
      if (!(await client.pushBlob(repository, blob, way))) {
        return;
      }
    }
    const tags = command.tag === null ? [] : [`${repository} ${this.#tagName(command.tag)}`];
    const reference = command.tag === null ? image.digest : this.#tagName(command.tag);
    await this.#change(tags, image.digest, async () => {
      const outcome = await client.pushManifest(repository, image, reference);
      const mayLack = this.#deletes > deletes || this.#passed - started >= LEASE;
      expectStatus(outcome, mayLack ? [201, 400] : [201]);
      this.#acknowledged += outcome?.status === 201 ? 1 : 0;
      return outcome?.status === 201;
    });
  }

  /** Notes what a change promises: `digest` when it is acknowledged, else nobody knows what. */
  async #change(
    tags: string[],
    digest: string | null,
    work: () => Promise<boolean>,
  ): Promise<void> {
    const start = ++this.#moment;
    const notes = tags.map((tag) => {
      const note: Promised = { digest: 'unknown', start, end: Number.POSITIVE_INFINITY };
      this.#promises.set(tag, [...(this.#promises.get(tag) ?? []), note]);
      return note;
    });
    const isDone = await work();
    const end = ++this.#moment;
    for (const note of notes) {
      note.end = end;
      note.digest = isDone ? digest : 'unknown';
    }
  }

  /** What was the last word on a tag is still true, byte for byte. */
  async #checkPromises(): Promise<void> {
    const client = new Client(this.#deployment, 0);
    for (const [key, notes] of this.#promises) {
      const [repository = '', tag = ''] = key.split(' ');
      const last = notes.find((note) =>
        notes.every((other) => other === note || other.end < note.start),
      );
      if (last === undefined || last.digest === 'unknown') {
        await pull(client, repository, tag);
        continue;
      }
      const answer = await client.call('GET', `/v2/${repository}/manifests/${tag}`);
      expectStatus(answer, [last.digest === null ? 404 : 200]);
      if (last.digest !== null) {
        expect(answer?.headers.get('Docker-Content-Digest')).toBe(last.digest);
        await pull(client, repository, tag);
      }
    }
  }

  /** Everything that a client did succeeds when nothing is in its way, whatever was left half done. */
  async #repeat(): Promise<void> {
    const client = new Client(this.#deployment, 0);
    for (const command of this.#program.clients.flat()) {
      if (command.do === 'push') {
        const repository = this.#repositories[command.repository] ?? '';
        const image = this.#image(command.image);
        for (const blob of image.blobs) {
          expect(await client.pushBlob(repository, blob, command.way)).toBe(true);
        }
        expectStatus(await client.pushManifest(repository, image, TAG_NAMES[0] ?? ''), [201]);
        await pull(client, repository, TAG_NAMES[0] ?? '');
      }
    }
    for (const [repository = '', tag = ''] of this.#tags()) {
      expectStatus(await client.call('DELETE', `/v2/${repository}/manifests/${tag}`), [202, 404]);
    }
  }

  #tags(): string[][] {
    return this.#repositories.flatMap((name) => TAG_NAMES.map((tag) => [name, tag]));
  }

  #image(number: number): TestManifest {
    return this.#images[number] as TestManifest;
  }

  #tagName(number: number): string {
    return TAG_NAMES[number] as string;
  }
}

/** Images that share layers; the last one's manifest is in R2. */
function images(): TestManifest[] {
  const layers = Array.from({ length: 3 }, () => randomBlob(300));
  const config = randomBlob(100);
  return Array.from({ length: IMAGES }, (_, number) => {
    const blobs = [config, ...layers.filter((_layer, index) => index !== number)].reverse();
    return manifestOf(
      {
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: descriptorOf(config, OCI_CONFIG),
        layers: blobs.slice(0, -1).map((blob) => descriptorOf(blob)),
        annotations: { number: 'x'.repeat(number === IMAGES - 1 ? LARGE : number) },
      },
      OCI_MANIFEST,
      blobs,
    );
  });
}

/** Pulls what a tag names, if it names anything: all that is in it has to be there. */
async function pull(client: Client, repository: string, tag: string): Promise<void> {
  const answer = await client.call('GET', `/v2/${repository}/manifests/${tag}`);
  expectStatus(answer, [200, 404]);
  if (answer?.status !== 200) {
    return;
  }
  const bytes = new Uint8Array(await answer.arrayBuffer());
  expect(digestOf(bytes)).toBe(answer.headers.get('Docker-Content-Digest'));
}

function expectStatus(outcome: Outcome, expected: readonly number[]): void {
  if (outcome !== null && !expected.includes(outcome.status)) {
    throw new BadAnswer(`${outcome.status} instead of ${expected.join(' or ')}`);
  }
}
