import { Command, InvalidArgumentError } from 'commander';

/** What both commands are told. */
export interface SoakOptions {
  seed: number;
  clients: number;
  lease: number; // seconds
  keep: boolean;
}

/** The command with the options that both have. */
export function createCommand(name: string, description: string, lease: number): Command {
  return new Command(name)
    .description(description)
    .option('--seed <number>', 'of what is done', parseCount, Math.ceil(Math.random() * 1e6))
    .option('--clients <number>', 'who work at the same time', parseCount, 16)
    .option('--lease <seconds>', 'from which the other windows follow', parseCount, lease)
    .option('--keep', 'leave the state where it is', false);
}

/** Reads a whole number above 0. @throws InvalidArgumentError */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new InvalidArgumentError('It has to be a whole number above 0.');
  }
  return count;
}
