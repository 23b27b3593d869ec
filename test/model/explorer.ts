import { hash } from 'node:crypto';
import type { Manner, Outcome } from './gate.ts';
import { breaches, leftovers } from './invariants.ts';
import { DAY, type World } from './world.ts';

/** What a program notes, anew at each repetition. */
export interface Notes {
  /** What must not have happened. */
  breach?: string;
}

/** Somebody who acts: a program of calls, of which any other's may come between two. */
export interface Actor {
  name: string;
  program: (notes: Notes) => Promise<void>;
  /** How many of the last outcomes decide what it does next; all of them unless this is said. */
  memory?: number;
}

/** What may happen beside the steps of the actors. */
export interface Bounds {
  days: number; // that pass
  crashes: number; // of actors
  faults: number; // calls that fail, before their effect or after it
}

/** What was found wrong, with the steps that lead there. */
export interface Breach {
  what: string;
  trace: readonly string[];
}

interface Progress {
  history: readonly Outcome[];
  state: 'at work' | 'done' | 'crashed';
  notes: Notes;
}

interface State extends Bounds {
  actors: readonly Progress[];
}

interface Move {
  label: string;
  apply: () => Promise<State>;
}

/** Goes through every order of the steps of some actors, from the state that the world is in. */
export class Explorer {
  readonly #world: World;
  readonly #actors: readonly Actor[];
  readonly #bounds: Bounds;
  readonly #seen = new Set<string>();
  readonly #quiet = new Set<string>();
  readonly #trace: string[] = [];
  #breach: Breach | null = null;
  steps = 0;

  constructor(world: World, actors: readonly Actor[], bounds: Bounds) {
    this.#world = world;
    this.#actors = actors;
    this.#bounds = bounds;
  }

  /** How many states were reached. */
  get states(): number {
    return this.#seen.size;
  }

  /** The first breach that is found, or null when there is none in any order. */
  async explore(): Promise<Breach | null> {
    const idle: Progress = { history: [], state: 'at work', notes: {} };
    const clock = Date.now;
    Date.now = () => this.#world.database.now * 1000;
    try {
      const state = { ...this.#bounds, actors: this.#actors.map(() => idle) };
      await this.#visit(state, this.#world.fingerprint());
    } finally {
      Date.now = clock;
    }
    return this.#breach;
  }

  /** `stored` is the fingerprint of the world, which a step that writes nothing leaves as it is. */
  async #visit(state: State, stored: string): Promise<void> {
    const { database } = this.#world;
    const key = `${database.now} ${stored}`;
    const full = hash('sha1', key + this.#keyOf(state), 'base64'); // short, for there are millions
    if (this.#breach !== null || this.#seen.has(full)) {
      return;
    }
    this.#seen.add(full);
    const moves = this.#moves(state);
    if (moves.length === 0 && !this.#quiet.has(key)) {
      this.#quiet.add(key);
      await this.#undone('and then nothing more', async () => {
        this.#check(await leftovers(this.#world));
      });
    }
    for (const { label, apply } of moves) {
      await this.#undone(label, async () => {
        const before = database.writes;
        const next = await apply();
        const hasWritten = database.writes !== before;
        this.#check(
          broken(next.actors.map(({ notes }) => notes)) ?? (hasWritten ? breaches(database) : null),
        );
        await this.#visit(next, hasWritten ? this.#world.fingerprint() : stored);
      });
    }
  }

  /** Does something, looks at what it led to, and goes back. */
  async #undone(label: string, work: () => Promise<void>): Promise<void> {
    const { database } = this.#world;
    const { now } = database;
    this.#trace.push(label);
    database.begin();
    await work();
    database.undo();
    database.now = now;
    this.#trace.pop();
  }

  #check(found: string | null): void {
    if (found !== null && this.#breach === null) {
      this.#breach = { what: found, trace: [...this.#trace] };
    }
  }

  #moves(state: State): Move[] {
    const moves: Move[] = [];
    state.actors.forEach((progress, index) => {
      if (progress.state !== 'at work') {
        return;
      }
      const { name } = this.#actors[index] as Actor;
      moves.push(this.#stepOf(state, index, 'done', name));
      if (state.faults > 0) {
        const left = { ...state, faults: state.faults - 1 };
        moves.push(this.#stepOf(left, index, 'answer lost', `${name}, whose answer is lost`));
        moves.push(this.#stepOf(left, index, 'refused', `${name} in vain`));
      }
      if (state.crashes > 0) {
        const crashed: Progress = { ...progress, history: [], state: 'crashed' };
        const left = { ...state, crashes: state.crashes - 1 };
        moves.push({
          label: `${name} crashes`,
          apply: async () => ({ ...left, actors: state.actors.with(index, crashed) }),
        });
      }
    });
    if (moves.length > 0 && state.days > 0) {
      moves.push({ label: 'a day passes', apply: () => this.#passDay(state) });
    }
    return moves;
  }

  async #passDay(state: State): Promise<State> {
    this.#world.database.now += DAY;
    return { ...state, days: state.days - 1 };
  }

  #stepOf(state: State, index: number, manner: Manner, label: string): Move {
    const { program } = this.#actors[index] as Actor;
    const { history } = state.actors[index] as Progress;
    const apply = async () => {
      this.steps += 1;
      const notes: Notes = {};
      const { gate } = this.#world;
      const { outcome, isDone } = await gate.step(() => program(notes), history, manner);
      this.#trace.push(`${this.#trace.pop()}: ${outcome.call} ${said(outcome)}`);
      const progress: Progress = isDone
        ? { history: [], state: 'done', notes }
        : { history: [...history, outcome], state: 'at work', notes };
      return { ...state, actors: state.actors.with(index, progress) };
    };
    return { label, apply };
  }

  #keyOf({ actors, days, crashes, faults }: State): string {
    const parts = actors.map(({ history, state, notes }, index) => {
      const { memory = history.length } = this.#actors[index] as Actor;
      const known = memory === 0 ? [] : history.slice(-memory);
      return [state, history.length, known.map(said), notes];
    });
    return JSON.stringify([parts, days, crashes, faults]);
  }
}

function broken(notes: readonly Notes[]): string | null {
  return notes.find(({ breach }) => breach !== undefined)?.breach ?? null;
}

function said({ value, error }: Outcome): string {
  const rows = Array.isArray(value) ? value : [value];
  const results = rows.map((row) => (row as { results?: unknown } | null)?.results ?? row);
  return error === undefined ? JSON.stringify(results) : `✗ ${error.message}`;
}
