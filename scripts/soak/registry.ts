/**
 * The registry of `npm run soak` and `npm run kills`, as a process of its own: `npm start` with short
 * lifetimes and a fast clock. It ends when its standard input does.
 */
import { startRegistry } from '../registry/local-registry.ts';

/** What it is given: JSON, as its one argument. */
export interface RegistryArguments {
  port: number;
  state: string;
  clockInterval: number; // milliseconds
  variables: Record<string, string>;
}

const { port, state, clockInterval, variables }: RegistryArguments = JSON.parse(
  process.argv[2] ?? '{}',
);
process.stdin.resume().once('close', () => process.exit(0));
const { url } = await startRegistry({
  port,
  host: '127.0.0.1',
  state,
  log: 'json',
  adminPassword: null,
  variables,
  clockInterval,
});
console.log(JSON.stringify({ ready: url }));
