import { once } from 'node:events';
import { type IncomingHttpHeaders, request as send } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { Edge, type EdgeOptions } from '../../../scripts/clients/edge.ts';
import { type RunningProxy, startProxy } from '../../../scripts/edgewater/proxy/server.ts';
import type { Progress } from '../../../scripts/edgewater/upload/progress.ts';
import { call, useRegistry } from '../../support/client.ts';
import type { TestBlob } from '../../support/images.ts';

/** What the proxy cuts into, in bytes. The edge takes half as much again. */
export const CHUNK = 100_000;

/** What the proxy told people. */
export class Told implements Progress {
  readonly lines: string[] = [];

  start(name: string) {
    return {
      update: () => {},
      hinder: (why: string) => void this.lines.push(`${name}: ${why}`),
      end: (problem: string | null) => void this.lines.push(`${name}: ${problem ?? 'sent'}`),
    };
  }

  say(message: string): void {
    this.lines.push(message);
  }

  warn(message: string): void {
    this.lines.push(message);
  }

  stop(): void {}
}

/** A client's way to a registry: proxy and edge. The small client of the tests goes it from here on. */
export interface Line {
  edge: Edge;
  proxy: RunningProxy;
  told: Told;
}

/** What of a line differs from the others. */
export interface LineOptions {
  fault?: NonNullable<EdgeOptions['fault']>;
  attempts?: number;
  chunkSize?: number;
  isDirect?: boolean; // no edge before the registry
}

/** Opens a line for one test. */
export async function openLine(to: string, options: LineOptions = {}): Promise<Line> {
  const { fault = () => null, attempts = 12, chunkSize = CHUNK } = options;
  const edge = await Edge.start({ to, limit: 1.5 * chunkSize, fault });
  const told = new Told();
  const proxy = await startProxy({
    to: options.isDirect ? to : edge.url,
    host: '127.0.0.1',
    port: 0,
    chunkSize,
    policy: { attempts, firstWait: 5, longestWait: 50 },
    patience: 1000,
    progress: told,
  });
  useRegistry(proxy.url, (request) => fetch(request));
  onTestFinished(async () => {
    await proxy.stop();
    edge.stop();
  });
  return { edge, proxy, told };
}

/** Sizes of the bodies that went to upload sessions, with their ranges: "PATCH 0-99999". */
export function chunksOf({ edge }: Line): string[] {
  return edge.seen
    .filter(({ path, length }) => path.includes('/blobs/uploads/') && length !== 0)
    .filter(({ method }) => ['PATCH', 'PUT', 'POST'].includes(method))
    .map(({ method, range, length }) => `${method} ${range ?? length}`);
}

/** A body that announces no length, as docker sends a layer. */
export function streamOf(bytes: Uint8Array, piece = 30_000): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(bytes.slice(at, at + piece));
      at += piece;
      if (at >= bytes.length) {
        controller.close();
      }
    },
  });
}

/** The bytes of a blob, as they come through the proxy. */
export async function pull(repository: string, { digest }: TestBlob): Promise<Uint8Array> {
  const response = await call('GET', `/v2/${repository}/blobs/${digest}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** A request that fetch would not send as it is. */
export async function ask(
  url: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  const outgoing = send(url, { method, headers }).end();
  const [response] = await once(outgoing, 'response');
  const text = (await buffer(response)).toString();
  return { status: response.statusCode, headers: response.headers, text };
}
