import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

if (process.env.SEED === undefined) {
  process.env.SEED = String(Math.floor(Math.random() * 2 ** 31));
  console.log(`random content and properties from SEED=${process.env.SEED}`);
}
const seed = Number(process.env.SEED);

/** How long the tests that draw from the seed go on. */
const histories = Number(process.env.HISTORIES ?? 30);
const schedules = Number(process.env.SCHEDULES ?? 30);

const NODE_TESTS = [
  'test/architecture.test.ts',
  'test/costs/document.test.ts',
  'test/soak/**/*.test.ts',
  'test/model/**/*.test.ts',
  'test/process/**/*.test.ts',
];

/** Inside the Workers runtime, with the real bindings of miniflare. */
const worker: TestProjectConfiguration = {
  plugins: [
    cloudflareTest(async () => ({
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        bindings: {
          OPEN: 'true',
          LOG: 'off',
          PULL_STATISTICS_INTERVAL: '0', // tests count what is asked of D1
          MIGRATIONS: await readD1Migrations('./src/storage/migrations'),
        },
      },
    })),
  ],
  test: {
    name: 'worker',
    include: ['test/**/*.test.ts'],
    exclude: NODE_TESTS,
    setupFiles: ['test/support/worker.setup.ts'],
    provide: { seed, histories, schedules },
    testTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
};

/** In Node: what reads the source files, and what starts and kills `npm start`. */
const node: TestProjectConfiguration = {
  test: {
    name: 'node',
    include: NODE_TESTS,
    provide: { seed },
    testTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
  },
};

/** Any registry that runs already, at the address in the variable REGISTRY_URL. */
const blackBox: TestProjectConfiguration = {
  test: {
    name: 'black-box',
    include: ['test/conformance/**/*.test.ts'],
    setupFiles: ['test/support/black-box.setup.ts'],
    provide: { seed },
    testTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
};

export default defineConfig({
  test: { projects: process.env.REGISTRY_URL ? [blackBox] : [worker, node] },
});
