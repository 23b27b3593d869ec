/** How long an alarm works, and how many objects it copies: then the next one goes on. */
const LONGEST = 20_000; // milliseconds
const MOST_OBJECTS = 50;

/** Thrown where work stops for this turn: nothing is wrong with it. */
export class TurnOver extends Error {}

/** What one alarm of a transfer may do. Something at least, so that every turn comes forward. */
export class Turn {
  readonly #endsAt = Date.now() + LONGEST;
  #objects = 0;
  #isStopped = false;

  get isOver(): boolean {
    const isSpent = this.#objects >= MOST_OBJECTS || Date.now() >= this.#endsAt;
    return this.#isStopped || (this.#objects > 0 && isSpent);
  }

  /** Before something is copied. @throws TurnOver */
  begin(): void {
    if (this.isOver) {
      throw new TurnOver();
    }
  }

  /** Something was copied, or a page of a list was read. */
  count(): void {
    this.#objects += 1;
  }

  /** Nothing more is begun. */
  stop(): void {
    this.#isStopped = true;
  }
}
