import type { Place } from '../bench/contestants/contestant.ts';
import type { Who } from './server.ts';

/** How much is done. */
export interface Settings {
  minutes: number; // of mixed
  connections: number; // of mixed
  readers: number; // of slow
  seconds: number; // of each half of a round of slow
  rounds: number; // of slow
  pulls: number; // of storm
  seed: number;
  who: Who;
}

/** Where and how a scenario runs. */
export interface Stage extends Place {
  settings: Settings;
}

/** Something that the registry has to keep. */
export interface Pledge {
  text: string;
  isKept: boolean;
}

/** All columns but the first hold numbers. */
export interface Table {
  headings: readonly string[];
  rows: readonly (readonly string[])[];
}

/** What came of a scenario. */
export interface Outcome {
  name: string;
  about: string; // what was done, in a few sentences of Markdown
  tables: readonly Table[];
  pledges: readonly Pledge[];
  failures: readonly string[]; // the first of them
  measurements: unknown; // everything, for the JSON file
}

/** Some load. */
export type Scenario = (stage: Stage) => Promise<Outcome>;

/** The first words of what went wrong, and how much of it. */
export function explainFailures(failures: readonly string[]): string[] {
  const shown = 20;
  const more = failures.length - shown;
  return [...failures.slice(0, shown), ...(more > 0 ? [`and ${more} more`] : [])];
}
