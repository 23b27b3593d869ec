import fc from 'fast-check';
import type { Way } from './client.ts';

/** One thing that a client of the registry does, with the numbers of what it does it to. */
export type Command =
  | { do: 'push'; image: number; repository: number; tag: number | null; way: Way }
  | { do: 'mount'; image: number; repository: number; tag: number }
  | { do: 'pull'; repository: number; tag: number }
  | { do: 'delete manifest'; image: number; repository: number }
  | { do: 'delete tag'; repository: number; tag: number }
  | { do: 'delete blob'; image: number; repository: number };

/** What the clock does: lets hours pass, then runs its work or not. */
export interface Tick {
  hours: number;
  runs: boolean;
}

/** What happens in one schedule: clients and the clock at the same time, under faults drawn from `seed`. */
export interface Program {
  seed: number;
  faults: number; // per hundred calls
  clients: readonly (readonly Command[])[];
  clock: readonly Tick[];
}

export const IMAGES = 4;
export const REPOSITORIES = 2;
export const TAGS = 2;

const image = fc.nat({ max: IMAGES - 1 });
const repository = fc.nat({ max: REPOSITORIES - 1 });
const tag = fc.nat({ max: TAGS - 1 });

const push = fc.record({
  do: fc.constant('push' as const),
  image,
  repository,
  tag: fc.option(tag, { nil: null }),
  way: fc.constantFrom<Way>('post', 'put', 'chunks'),
});

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: push },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('mount' as const), image, repository, tag }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pull' as const), repository, tag }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('delete manifest' as const), image, repository }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete tag' as const), repository, tag }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('delete blob' as const), image, repository }),
  },
);

const tick: fc.Arbitrary<Tick> = fc.record({
  hours: fc.constantFrom(0, 1, 12, 23, 25, 49, 24 * 15),
  runs: fc.boolean(),
});

export const program: fc.Arbitrary<Program> = fc.record({
  seed: fc.integer(),
  faults: fc.constantFrom(0, 2, 5, 10),
  clients: fc.array(fc.array(command, { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 3,
  }),
  clock: fc.array(tick, { maxLength: 4 }),
});
