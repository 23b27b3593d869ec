import { DurableObject } from 'cloudflare:workers';

export type ThrottleKind = 'account' | 'address';

const FREE_FAILURES: Record<ThrottleKind, number> = { account: 5, address: 100 };
const MAX_WAIT = 15 * 60; // seconds
const MEMORY = 60 * 60 * 1000; // milliseconds without an attempt, after which failures are forgotten
const ADDRESS_MEMORY = 30 * 24 * 60 * 60 * 1000; // milliseconds that a good login's address is known
const MAX_KNOWN = 20; // addresses

interface State {
  failures: number;
  lastAt: number; // milliseconds since the epoch, as all times here
  lockedUntil: number;
  known: { address: string | null; at: number }[]; // null on somebody's own machine, behind no edge
}

const NEW: State = { failures: 0, lastAt: 0, lockedUntil: 0, known: [] };

/**
 * Failed logins of one account, or from one address, wherever in the world they arrive: there is one
 * object for each, so the count is exact.
 *
 * An attempt counts as failed until it is said to have succeeded, so that many at once gain nothing.
 * After the free ones each failure doubles the time until the next attempt, up to 15 minutes. Who
 * has logged in to an account from an address before is not kept out there by others' failures.
 */
export class LoginThrottle extends DurableObject {
  /** Announces an attempt from an address, null where nothing tells it: the seconds to wait, or 0 to go on. */
  async attempt(kind: ThrottleKind, address: string | null): Promise<number> {
    const now = Date.now();
    const state = this.#read(now);
    const isKnown = state.known.some((entry) => entry.address === address);
    if (state.lockedUntil > now && !isKnown) {
      return Math.ceil((state.lockedUntil - now) / 1000);
    }
    const failures = state.failures + 1;
    const excess = failures - FREE_FAILURES[kind];
    const wait = excess < 0 ? 0 : Math.min(2 ** excess, MAX_WAIT);
    await this.#write({ ...state, failures, lastAt: now, lockedUntil: now + wait * 1000 });
    return 0;
  }

  /** Takes an announced attempt back: it succeeded. An account forgets all its failures. */
  async succeed(kind: ThrottleKind, address: string | null): Promise<void> {
    const now = Date.now();
    const state = this.#read(now);
    if (kind === 'address') {
      const failures = Math.max(0, state.failures - 1);
      const isFree = failures < FREE_FAILURES.address;
      await this.#write({ ...state, failures, lockedUntil: isFree ? 0 : state.lockedUntil });
      return;
    }
    const known = state.known.filter((entry) => entry.address !== address);
    await this.#write({ ...NEW, lastAt: now, known: [{ address, at: now }, ...known] });
  }

  /** Answers, and no more: for who wants to know whether objects do. */
  async ping(): Promise<void> {}

  override async alarm(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }

  #read(now: number): State {
    const state = this.ctx.storage.kv.get<State>('state') ?? NEW;
    const known = state.known.filter((entry) => now - entry.at < ADDRESS_MEMORY);
    return now - state.lastAt > MEMORY ? { ...NEW, known } : { ...state, known };
  }

  async #write(state: State): Promise<void> {
    this.ctx.storage.kv.put('state', { ...state, known: state.known.slice(0, MAX_KNOWN) });
    const memory = state.known.length > 0 ? ADDRESS_MEMORY : MEMORY;
    await this.ctx.storage.setAlarm(Date.now() + memory);
  }
}
