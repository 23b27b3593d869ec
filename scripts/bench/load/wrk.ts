import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findCommand } from '../../clients/commands.ts';
import { MANIFEST_TYPE } from './image.ts';

/** What to ask for, over and over. */
export interface Load {
  url: string;
  method: 'GET' | 'HEAD';
  authorization: string | null;
  concurrency: number; // connections, each with one request at a time
  seconds: number;
}

/** How that went. Latencies are in milliseconds. */
export interface LoadResult {
  rate: number; // requests a second
  p50: number;
  p99: number;
}

/** Whether there is wrk, which takes a tenth of the CPU that a generator in JavaScript does. */
export async function hasWrk(): Promise<boolean> {
  return (await findCommand('wrk')) !== null;
}

/**
 * Keeps one thread of wrk busy: there are few cores, and the server needs them.
 *
 * @throws Error when a single answer was not a good one
 */
export async function runWrk(load: Load): Promise<LoadResult> {
  const { url, method, authorization, concurrency, seconds } = load;
  const script = join(import.meta.dirname, 'wrk.lua');
  const headers = [
    ...['-H', `Accept: ${MANIFEST_TYPE}`], // without it some do not show an OCI manifest
    ...(authorization === null ? [] : ['-H', `Authorization: ${authorization}`]),
  ];
  const options = ['-t', '1', '-c', `${concurrency}`, '-d', `${seconds}s`, '--timeout', '10s'];
  const args = [...options, '-s', script, '--latency', ...headers, url, '--', method];
  const { stdout } = await promisify(execFile)('wrk', args).catch(({ stderr }) => {
    throw new Error(`wrk failed on ${method} ${url}: ${stderr}`);
  });
  const { requests, duration, p50, p99, errors } = JSON.parse(/^\{.*\}$/m.exec(stdout)?.[0] ?? '');
  if (errors > 0 || requests === 0) {
    throw new Error(`${errors} of ${requests} answers of ${method} ${url} were errors`);
  }
  return { rate: requests / (duration / 1e6), p50: p50 / 1000, p99: p99 / 1000 };
}
