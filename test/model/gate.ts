/** What a call of the platform gives back, once and at every repetition of its program. */
export interface Outcome {
  call: string;
  at: number; // seconds, of the model's clock
  value?: unknown;
  error?: Error;
}

/** How the next call goes: it is done; done, but its answer is lost; or not done. */
export type Manner = 'done' | 'answer lost' | 'refused';

/**
 * Where every call of the platform passes, one step of the model each. A program of the real code cannot
 * be copied in its middle, so it is run again from its start: calls of before get the outcome that they
 * had, the next one takes place, and the one after that never returns.
 */
export class Gate {
  readonly #now: () => number;
  #history: readonly Outcome[] = [];
  #position = 0;
  #next: Manner | null = null;
  #isOpen = true;
  #recorded: Outcome | null = null;
  #stop: () => void = () => {};

  constructor(now: () => number) {
    this.#now = now;
  }

  /** When the last call took place. */
  get at(): number {
    return this.#recorded?.at ?? this.#history[this.#position - 1]?.at ?? this.#now();
  }

  /** A call of the platform: `effect` is what it does. */
  async call<T>(call: string, effect: () => T): Promise<T> {
    if (this.#isOpen) {
      return effect();
    }
    const past = this.#history[this.#position];
    if (past !== undefined) {
      this.#position += 1;
      return settle<T>(past);
    }
    if (this.#next === null) {
      this.#stop();
      return new Promise(() => {});
    }
    const manner = this.#next;
    this.#next = null;
    this.#recorded = { call, at: this.#now(), ...attempt(effect, manner) };
    return settle<T>(this.#recorded);
  }

  /**
   * Runs a program up to the call after the next one: the outcome of that, and whether it is at its end.
   *
   * @throws what the program throws
   */
  async step(
    program: () => Promise<void>,
    history: readonly Outcome[],
    manner: Manner,
  ): Promise<{ outcome: Outcome; isDone: boolean }> {
    this.#history = history;
    this.#position = 0;
    this.#next = manner;
    this.#recorded = null;
    this.#isOpen = false;
    try {
      const isDone = await new Promise<boolean>((resolve, reject) => {
        this.#stop = () => resolve(false);
        program().then(() => resolve(true), reject);
      });
      if (this.#recorded === null) {
        throw new Error('the program does not repeat what it did');
      }
      return { outcome: this.#recorded, isDone };
    } finally {
      this.#isOpen = true;
    }
  }
}

function attempt(effect: () => unknown, manner: Manner): Pick<Outcome, 'value' | 'error'> {
  if (manner === 'refused') {
    return { error: new Error('network connection lost') };
  }
  try {
    const value = effect();
    return manner === 'done' ? { value } : { error: new Error('network connection lost') };
  } catch (error) {
    return { error: error as Error };
  }
}

function settle<T>({ value, error }: Outcome): T {
  if (error !== undefined) {
    throw error;
  }
  return value as T;
}
