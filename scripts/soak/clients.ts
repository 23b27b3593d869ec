import { Random } from '../load/random.ts';
import { ACTIONS, type Action, type Stage } from './actions.ts';
import { ContentFactory } from './content.ts';
import type { Exchange } from './exchange.ts';
import { RepositoryModel } from './model.ts';
import { Repository, type Tools } from './repository.ts';
import type { Tally } from './tally.ts';
import type { Windows } from './windows.ts';

/** What clients do, and with what. */
export interface ClientOptions {
  exchange: Exchange;
  tally: Tally;
  windows: Windows;
  seed: number;
  clients: number;
  /** One layer in so many has several parts. */
  rarity: number;
  isKilled: boolean;
  running(): Promise<void>;
}

const NAMESPACES = 2;
const REPOSITORIES = 4; // of each

const TOTAL = ACTIONS.reduce((sum, { weight }) => sum + weight, 0);

/** Clients who all work in the same repositories, each by a plan of its own from the seed. */
export class Clients {
  readonly models: readonly RepositoryModel[];
  readonly #options: ClientOptions;
  readonly #contents: ContentFactory;
  readonly #recent: Stage['recent'] = [];

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#contents = new ContentFactory(options.seed, options.rarity);
    this.models = namespaces().flatMap((namespace) =>
      Array.from(
        { length: REPOSITORIES },
        (_, at) => new RepositoryModel(`${namespace}/app-${at}`, options.windows),
      ),
    );
  }

  /** Lets all of them work until `isOver`; events under way are ended. */
  async work(isOver: () => boolean): Promise<void> {
    await Promise.all(
      Array.from({ length: this.#options.clients }, (_, at) => this.#workAs(at + 1, isOver)),
    );
  }

  /** Pulls everything that has to be there, by tag and by digest: how many manifests. */
  async verify(): Promise<number> {
    let count = 0;
    await Promise.all(
      this.models.map(async (model) => {
        const repository = new Repository(model, this.#tools(0));
        for (const tag of model.tags.keys()) {
          await repository.pullTag(tag);
        }
        for (const held of model.manifests.values()) {
          if (model.manifestUntil(held) > performance.now()) {
            await repository.pull(held);
            count += 1;
          }
        }
      }),
    );
    return count;
  }

  async #workAs(number: number, isOver: () => boolean): Promise<void> {
    const tools = this.#tools(number);
    const repositories = this.models.map((model) => new Repository(model, tools));
    const stage = { contents: this.#contents, repositories, recent: this.#recent };
    while (!isOver()) {
      const action = choose(tools.random);
      try {
        await action.run(stage, tools.random.pick(repositories), tools);
      } catch (error) {
        tools.tally.fail(`${action.name}: ${error instanceof Error ? error.stack : error}`);
      }
      tools.tally.count(action.name);
    }
  }

  #tools(number: number): Tools {
    return { ...this.#options, random: new Random(this.#options.seed * 1000 + number) };
  }
}

/** The namespaces that clients push to. */
export function namespaces(): string[] {
  return Array.from({ length: NAMESPACES }, (_, at) => `soak-${at}`);
}

function choose(random: Random): Action {
  let left = random.next() * TOTAL;
  const chosen = ACTIONS.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  return chosen ?? random.pick(ACTIONS);
}
