/**
 * Every order in which the steps of pushes, deletes and collection can come, with crashes and days between
 * them, over the store's real statements. `npm run model` goes through a larger scope.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Breach, Explorer } from './explorer.ts';
import { BAD_DESIGNS, STORIES, type Story } from './scenarios.ts';
import { World } from './world.ts';

const isLarge = process.env.MODEL_SCOPE === 'large';

beforeAll(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {}); // each fault is logged
});

afterAll(() => {
  vi.restoreAllMocks();
});

async function explore(name: string, story: Story): Promise<Breach | null> {
  const world = new World();
  await story.given?.(world);
  const actors = [...story.actors(world), ...((isLarge && story.more?.(world)) || [])];
  const explorer = new Explorer(world, actors, isLarge ? story.large : story.small);
  const start = performance.now();
  const breach = await explorer.explore();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${name}: ${explorer.states} states, ${explorer.steps} steps, ${seconds} s`);
  return breach;
}

describe('no order loses or forgets anything', { timeout: isLarge ? 3_600_000 : 60_000 }, () => {
  test.each(Object.entries(STORIES))('of %s', async (name, story) => {
    expect(await explore(name, story)).toBeNull();
  });
});

describe('a design that loses data is found out', () => {
  test.each(Object.entries(BAD_DESIGNS))('%s', async (name, story) => {
    expect(await explore(name, story)).not.toBeNull();
  });
});
