/**
 * Takes a CPU profile of the registry's Worker while wrk asks for one thing, over and over:
 *
 *     npm run profile -- --for 'manifest by tag'    # or a part of any rate's name
 *
 * It writes results/profile.cpuprofile, which the DevTools of Chrome and VS Code open, and prints the
 * functions that took most of the time themselves. `--worker d1:db` or `r2:bucket` shows miniflare's
 * simulators instead: all share one thread. Only JavaScript is seen, and "(program)" is the
 * runtime's own code: for that, have V8 name its code to perf and record the runtime,
 *
 *     MINIFLARE_WORKERD_V8_FLAGS=--perf-basic-prof npm start
 *     perf record -g -F 999 -p <pid of workerd> -- sleep 10 && perf report --no-children
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { edgewater } from './contestants/edgewater.ts';
import { freePort } from './contestants/server-process.ts';
import { rates } from './operations/rates.ts';
import { toHotspots } from './profile/hotspots.ts';
import { profileWorker } from './profile/inspector.ts';
import { makeSeed } from './seed.ts';
import { RegistrySubject } from './subjects/registry-subject.ts';

const options = new Command('npm run profile --')
  .description('Take a CPU profile of the Worker under load')
  .option('--for <operation>', 'what is asked for: a part of the name of a rate', 'manifest by tag')
  .option(
    '--worker <name>',
    'part of the name of the isolate, as the inspector lists it',
    'edgewater',
  )
  .option('--seconds <number>', 'how long', Number, 5)
  .option('--out <file>', 'where the profile goes', 'results/profile.cpuprofile')
  .parse()
  .opts<{ for: string; worker: string; seconds: number; out: string }>();

const folder = await mkdtemp(join(tmpdir(), 'edgewater-profile-'));
try {
  const port = await freePort();
  const seed = makeSeed();
  const contestant = edgewater({ EDGEWATER_WORKERD: await inspectedRuntime(folder, port) });
  const running = await contestant.start({ folder, signal: new AbortController().signal });
  const subject = await RegistrySubject.create(contestant.name, running, seed);
  try {
    const { seconds } = options;
    const operation = rates(seed, { seconds, concurrencies: [16] }).find(({ name }) =>
      name.includes(options.for),
    );
    if (operation === undefined) {
      throw new Error(`no rate is called ${options.for}`);
    }
    const profile = await profileWorker(port, options.worker, async () => {
      console.table(await operation.measure(subject));
    });
    await mkdir(join(options.out, '..'), { recursive: true });
    await writeFile(options.out, JSON.stringify(profile));
    console.log(toHotspots(profile));
  } finally {
    await subject.stop();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** A program that is workerd with its inspector on, which miniflare need not know. */
async function inspectedRuntime(folder: string, port: number): Promise<string> {
  const { default: workerd } = createRequire(import.meta.resolve('miniflare'))('workerd');
  const path = join(folder, 'workerd');
  await writeFile(path, `#!/bin/sh\nexec '${workerd}' "$@" --inspector-addr=127.0.0.1:${port}\n`);
  await chmod(path, 0o755);
  return path;
}
