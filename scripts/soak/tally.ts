/** What was done and what was found. A failure is something that the registry promised and did not keep. */
export class Tally {
  readonly events = new Map<string, number>();
  readonly failures: string[] = [];
  /** Things that may happen, by what they are. */
  readonly remarks = new Map<string, number>();
  #done = 0;

  get done(): number {
    return this.#done;
  }

  count(event: string): void {
    this.#done += 1;
    add(this.events, event);
  }

  remark(what: string): void {
    add(this.remarks, what);
  }

  fail(what: string): void {
    this.failures.push(`${new Date().toISOString()} ${what}`);
    if (this.failures.length <= 50) {
      console.error(`FAILED: ${what}`);
    }
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
