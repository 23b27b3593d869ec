const LONGEST = 20_000; // milliseconds

/**
 * About so many subrequests: some plans allow an invocation 1,000, and what they are charged for is an
 * estimate. https://developers.cloudflare.com/workers/platform/limits/#subrequests
 */
const BUDGET = 600;

/** How many subrequests something takes as a rule, each statement of a batch as one. */
export const COST = {
  page: 5,
  tag: 6,
  manifest: 8,
  put: 12,
  list: 6,
  mount: 8,
  upload: 8,
} as const;

/** Thrown where work stops for this turn: nothing is wrong with it. */
export class TurnOver extends Error {}

/** What one alarm of a transfer may do: the next one goes on. */
export class Turn {
  readonly #endsAt = Date.now() + LONGEST;
  #left = BUDGET;
  #hasAdvanced = false;
  #isStopped = false;

  /** However slow the upstream is, every turn comes forward. */
  get isOver(): boolean {
    const isLate = this.#hasAdvanced && Date.now() >= this.#endsAt;
    return this.#isStopped || this.#left <= 0 || isLate;
  }

  /** Before something that takes so many subrequests. @throws TurnOver */
  spend(subrequests: number): void {
    if (this.isOver) {
      throw new TurnOver();
    }
    this.#left -= subrequests;
  }

  /** Something is done that the next turn need not do again. */
  advance(): void {
    this.#hasAdvanced = true;
  }

  /** Nothing more is begun. */
  stop(): void {
    this.#isStopped = true;
  }
}
