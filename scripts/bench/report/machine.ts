import type { Machine } from '../machine.ts';

/** What everything ran on, in a sentence. */
export function toMachine({ cpu, cores, memory, kernel, disk, node, workerd }: Machine): string {
  return (
    `Machine: ${cores} cores (${cpu}), ${(memory / 2 ** 30).toFixed(0)} GiB of memory, ${kernel}, ` +
    `data on ${disk}; Node ${node.slice(1)}, workerd ${workerd}.`
  );
}
