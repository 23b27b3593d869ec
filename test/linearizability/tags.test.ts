/**
 * Tags behave as if each request took effect at one moment between its start and its end, whatever isolate
 * answers it and whatever fails. HISTORIES is how many histories are recorded, SEED where they begin.
 */
import { expect, inject, test, vi } from 'vitest';
import { Deployment } from '../schedules/deployment.ts';
import { Disturbance, type Rates } from '../schedules/disturbance.ts';
import { isLinearizable, type Operation } from './check.ts';
import { Recorder } from './history.ts';

const HISTORIES = inject('histories');
const ISOLATES = 3;
const DISTURBED: Rates = { late: 0.6, before: 0.05, after: 0.08, crash: 0.02 };

interface Recorded {
  history: readonly Operation[];
  isRight: boolean;
}

async function record(
  seed: number,
  clients: { clients: number; length: number; writers: number },
  rates: Rates,
  tag = 0,
): Promise<Recorded> {
  const disturbance = new Disturbance(seed);
  const deployment = new Deployment(disturbance, ISOLATES, { tag });
  const recorder = new Recorder(deployment, disturbance);
  const history = await recorder.record(clients, rates);
  return { history, isRight: isLinearizable(history, recorder.first) };
}

const told = (history: readonly Operation[]) =>
  history.map(({ client, start, end, what }) => `${client}: ${start} to ${end} ${what}`);

test(`${HISTORIES} histories are linearizable`, { timeout: 3_600_000 }, async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {}); // each fault is logged
  let unsure = 0;
  for (let count = 0; count < HISTORIES; count++) {
    const seed = inject('seed') + count;
    const clients = 3 + (seed % 6);
    const scope = { clients, length: 5, writers: clients };
    const { history, isRight } = await record(seed, scope, DISTURBED);
    unsure += history.filter(({ end }) => end === Number.POSITIVE_INFINITY).length;
    expect(isRight, `${seed}\n${told(history).join('\n')}`).toBe(true);
  }
  expect(unsure).toBeGreaterThan(0);
});

test('a registry that remembers tags is found out', async () => {
  const calm: Rates = { late: 0.6, before: 0, after: 0, crash: 0 };
  const verdicts: boolean[] = [];
  for (let count = 0; count < 3; count++) {
    const scope = { clients: ISOLATES, length: 8, writers: 1 };
    verdicts.push((await record(inject('seed') + count, scope, calm, 60)).isRight);
  }
  expect(verdicts).toContain(false);
});
