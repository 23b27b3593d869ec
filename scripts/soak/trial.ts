import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interruption } from '../edgewater/interruption.ts';
import { auditState } from './audit.ts';
import type { Clients } from './clients.ts';
import { Exchange } from './exchange.ts';
import type { SoakOptions } from './options.ts';
import { prepareRegistry } from './prepare.ts';
import { waitForQuiet } from './quiet.ts';
import { RegistryProcess } from './registry-process.ts';
import { printAudit, printReport, printVerdict } from './report.ts';
import { Tally } from './tally.ts';
import { type Windows, windowsFrom } from './windows.ts';

/** From the last event until what hangs on what hangs on it is collected: so many leases. */
const PATIENCE = 12;

/** What is tried. */
export interface Trial {
  name: string; // of the command
  verdict: string; // what the verdict is about
  options: SoakOptions;
  clockInterval: number; // milliseconds between runs of the clock's work
  allowsFaults: boolean; // in the log of the registry, as one that is killed may have
  /** Puts the clients to work in a registry that runs: whoever knows what has to be there then. */
  work: (stage: Stage) => Promise<Clients>;
}

/** What the work has to do with. */
export interface Stage {
  state: string; // folder of the registry
  windows: Windows;
  registry: RegistryProcess;
  exchange: Exchange;
  tally: Tally;
  interrupted: AbortSignal;
}

/**
 * Has clients work in a registry of its own, waits until collection has come to rest, pulls what has to be
 * there, compares D1 with R2, and tells. The exit code is the verdict.
 */
export async function runTrial(trial: Trial): Promise<void> {
  const { name, options, clockInterval } = trial;
  const interrupted = interruption('interrupted');
  const started = performance.now();
  const state = await mkdtemp(join(tmpdir(), `edgewater-${name}-`));
  const windows = windowsFrom(options.lease);
  const registry = new RegistryProcess(state, windows, clockInterval);
  const exchange = new Exchange(() => registry.url);
  const tally = new Tally();
  try {
    await prepareRegistry(registry, windows);
    const crew = await trial.work({ state, windows, registry, exchange, tally, interrupted });
    const left = await waitForQuiet(state, PATIENCE * options.lease);
    const verified = await crew.verify();
    await registry.kill();
    const audit = await auditState(state, true);
    printReport(tally, exchange, registry);
    printAudit(audit);
    console.log(
      `\n${verified} manifests have to be there and were pulled; ${left} things are left over`,
    );
    const faults = trial.allowsFaults ? [] : registry.faults;
    const failures = [...tally.failures, ...audit.failures, ...faults];
    printVerdict(trial.verdict, failures, (performance.now() - started) / 1000);
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  } finally {
    await registry.kill();
    exchange.close();
    if (options.keep) {
      console.log(`${name}: the state is in ${state}`);
    } else {
      await rm(state, { recursive: true, force: true });
    }
  }
}
