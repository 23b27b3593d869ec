/** Bindings that are late, that fail, and whose callers die: all drawn from one seed. */

/** What may be done to a call, as probabilities. */
export interface Rates {
  late: number; // by some turns of the event loop, so that calls overtake each other
  before: number; // fails without effect
  after: number; // fails with its effect
  crash: number; // its caller dies, before the call or after it
}

export const CALM: Rates = { late: 0, before: 0, after: 0, crash: 0 };

/** A process that can die: what it asks from then on is never asked. */
export class Life {
  readonly #end = Promise.withResolvers<never>();
  readonly #underWay = new Set<Promise<unknown>>();
  isOver = false;

  constructor() {
    this.#end.promise.catch(() => {});
  }

  /** What a client sees of a request: its answer, or that the connection broke. */
  during<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#end.promise]);
  }

  /** Asks the platform something, which goes on without the process. */
  async ask(call: () => unknown): Promise<unknown> {
    const asked = Promise.resolve(call());
    this.#underWay.add(asked);
    try {
      return await asked;
    } finally {
      this.#underWay.delete(asked);
    }
  }

  /** Resolves when nothing that it asked is under way any more; then its clients see that it is gone. */
  async finish(): Promise<void> {
    this.isOver = true;
    await Promise.allSettled(this.#underWay);
    this.#end.reject(new Error('the process died'));
  }
}

const NEVER = new Promise<never>(() => {});
const LONGEST_DELAY = 4; // turns of the event loop

/** Calls that only make an object, whose own calls are disturbed. */
const NESTED = new Set(['prepare', 'bind', 'resumeMultipartUpload', 'withSession']);

export class Disturbance {
  rates: Rates = CALM;
  readonly counts = { calls: 0, before: 0, after: 0, crashes: 0 };
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A number from 0 to 1: mulberry32. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  }

  /** The binding as the process of `life` has it. */
  disturb<T extends object>(binding: T, life: () => Life): T {
    return new Proxy(binding, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function' || typeof name !== 'string') {
          return member;
        }
        return (...parameters: unknown[]) => {
          const call = () => Reflect.apply(member, target, parameters);
          return NESTED.has(name) ? this.disturb(call(), life) : this.#call(name, call, life());
        };
      },
    });
  }

  async #call(name: string, call: () => unknown, life: Life): Promise<unknown> {
    await this.#delay();
    if (life.isOver) {
      return NEVER;
    }
    this.counts.calls += 1;
    const { before, after, crash } = this.rates;
    const fate = this.random();
    if (fate < before) {
      this.counts.before += 1;
      throw new Error(`${name}: network connection lost`);
    }
    const dies = this.random() < crash;
    if (dies && this.random() < 0.5) {
      return this.#kill(life);
    }
    const result = await life.ask(call);
    await this.#delay();
    if (dies || life.isOver) {
      return this.#kill(life);
    }
    if (fate < before + after) {
      this.counts.after += 1;
      throw new Error(`${name}: network connection lost`);
    }
    return result;
  }

  async #kill(life: Life): Promise<never> {
    if (!life.isOver) {
      this.counts.crashes += 1;
      await life.finish();
    }
    return NEVER;
  }

  async #delay(): Promise<void> {
    const isLate = this.random() < this.rates.late;
    for (let turns = isLate ? 1 + this.random() * LONGEST_DELAY : 0; turns >= 1; turns--) {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
}
