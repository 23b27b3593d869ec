import type { Bench } from './bench.ts';

/** What is run of one client, and how to know whether the machine has it. */
export interface ClientSuite {
  name: string;
  isAvailable(): Promise<Availability>;

  /** Makes what the actions need, daemons too, and lists them in the order to run them in. */
  actions(bench: Bench): Promise<Action[]>;
}

/** The version of a client that can be run, or why it cannot. */
export type Availability = { version: string } | { why: string };

/** One row of the final table. Resolves with a remark for it, if there is one; throws on failure. */
export interface Action {
  name: string;
  run(): Promise<string | undefined> | Promise<void>;
}
