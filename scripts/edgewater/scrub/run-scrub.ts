import type { Login } from '../api.ts';
import { RefusalError } from '../errors.ts';
import { refusalFor } from '../push/refusal.ts';
import { RegistryLogin } from '../push/registry-login.ts';
import { ConnectionError } from '../upload/connection-error.ts';
import type { Progress } from '../upload/progress.ts';
import { RegistryClient } from '../upload/registry-client.ts';
import { RETRY_POLICY } from '../upload/retry.ts';
import { Upstream } from '../upload/upstream.ts';
import { type KeptReport, type Report, type Step, withStep } from './report.ts';

/** The registry may read one object of 52,000 MiB before it answers. */
const PATIENCE = 60 * 60_000; // milliseconds

/** Where to, and who tells of it. */
export interface ScrubOptions {
  registry: string;
  login: Login | null;
  kept: KeptReport;
  progress: Progress;
  signal: AbortSignal;
}

/**
 * Scrubs from where a report ends. It is kept after each step, until all is done.
 *
 * @throws RefusalError
 */
export async function runScrub(report: Report, options: ScrubOptions): Promise<Report> {
  const upstream = new Upstream(options.registry);
  const client = new RegistryClient({
    upstream,
    credentials: new RegistryLogin(upstream, options.login, ''),
    policy: RETRY_POLICY,
    signal: options.signal,
    onRetry: (why) => options.progress.say(`${why}; trying again`),
  });
  try {
    return await run(client, report, options);
  } catch (error) {
    throw error instanceof ConnectionError
      ? new RefusalError(`${error.message}; "edgewater scrub --resume" goes on`)
      : error;
  } finally {
    upstream.close();
  }
}

async function run(
  client: RegistryClient,
  begun: Report,
  { kept, progress }: ScrubOptions,
): Promise<Report> {
  await kept.write(begun);
  let report = withStep(begun, await ask(client, begun));
  await kept.write(report);
  const transfer = progress.start('scrub', Math.round(report.total.bytes / report.sample.every));
  transfer.update(report.bytes);
  try {
    while (report.place !== null) {
      report = withStep(report, await ask(client, report));
      await kept.write(report);
      transfer.update(report.bytes);
    }
    transfer.end(null);
  } catch (error) {
    transfer.end(error instanceof Error ? error.message : String(error));
    throw error;
  }
  await kept.forget();
  return report;
}

/** One step, which may be asked for again: it changes nothing that a repetition would not. */
async function ask(client: RegistryClient, { place, sample }: Report): Promise<Step> {
  const answer = await client.persist({
    method: 'POST',
    target: client.upstream.at('/api/v1/scrub'),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: Buffer.from(JSON.stringify({ sample, ...(place !== null && { place }) })),
    patience: PATIENCE,
  });
  if (answer.status !== 200) {
    throw refusalFor('scrub', answer);
  }
  return JSON.parse(answer.body.toString()) as Step;
}
