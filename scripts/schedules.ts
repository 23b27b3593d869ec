/**
 * Runs schedules of test/schedules, some hundred in a process of their own at a time: the runtime keeps
 * what many Durable Objects took.
 *
 *     npm run schedules -- --count 10000 --seed 1
 */
import { spawnSync } from 'node:child_process';
import { Command, InvalidArgumentError } from 'commander';

const SLICE = 500; // schedules

const { count, seed } = new Command('npm run schedules --')
  .description('Run random programs under random faults')
  .option('--count <number>', 'how many', parseCount, 10_000)
  .option('--seed <number>', 'where they begin', parseCount, Math.ceil(Math.random() * 1e9))
  .parse()
  .opts<{ count: number; seed: number }>();

const start = Date.now();
console.log(`${count} schedules from --seed ${seed}`);
for (let done = 0; done < count; done += SLICE) {
  const slice = Math.min(SLICE, count - done);
  const { status } = spawnSync(
    'vitest',
    ['run', '--project', 'worker', '--reporter', 'dot', 'test/schedules'],
    {
      stdio: 'inherit',
      env: { ...process.env, SEED: String(seed + done), SCHEDULES: String(slice) },
    },
  );
  if (status !== 0) {
    console.log(`failed: npm run schedules -- --count ${slice} --seed ${seed + done}`);
    process.exit(1);
  }
  const minutes = ((Date.now() - start) / 60_000).toFixed(1);
  console.log(`${done + slice} of ${count} schedules in ${minutes} minutes`);
}

function parseCount(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError('a whole number, 1 or more');
  }
  return number;
}
