import { resolve } from 'node:path';
import { waitForPort } from '../registry/port.ts';
import type { Bench } from './bench.ts';
import { startDaemon } from './daemon.ts';
import { EDGE_LIMIT, Edge } from './edge.ts';
import { memoryOf } from './memory.ts';

/** The CLI, to be run by node. */
export const CLI = resolve(import.meta.dirname, '../edgewater.ts');

/** A way to the registry: an edge before it, and `edgewater proxy` before that. */
export interface Line {
  edge: Edge;
  proxy: string; // a URL
  /** Bytes that the proxy has had in memory at most. */
  peak(): Promise<number>;
}

/** Opens a line, on which connections that carry a body break every so often (milliseconds). */
export async function openLine(bench: Bench, name: string, cutEvery?: number): Promise<Line> {
  const edge = await Edge.start({
    to: bench.url,
    limit: EDGE_LIMIT,
    ...(cutEvery && { cutEvery }),
  });
  bench.defer(async () => edge.stop());
  const port = await waitForPort(0, '127.0.0.1');
  const proxy = `http://127.0.0.1:${port}`;
  const args = [CLI, 'proxy', '--to', edge.url, '--port', String(port)];
  const isReady = () => fetch(`${proxy}/v2/`);
  const { pid = 0 } = await startDaemon(bench, 'node', args, isReady, `proxy-${name}`);
  return { edge, proxy, peak: () => memoryOf(pid, 'VmHWM') };
}
