/** A registry, an edge with a limit before it, and `edgewater push` there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished } from 'vitest';
import { Edge, type EdgeOptions } from '../../../scripts/clients/edge.ts';
import { type LocalRegistry, startRegistry } from '../../../scripts/registry/local-registry.ts';
import { newRepository } from '../../support/client.ts';
import {
  descriptorOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  type TestManifest,
} from '../../support/images.ts';

export const CLI = resolve(import.meta.dirname, '../../../scripts/edgewater.ts');
export const PASSWORD = 'correct horse battery staple';
export const AUTHORIZATION = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`;
export const MEBIBYTE = 2 ** 20;

export let state: string;
export let folder: string; // of one test
export let registry: LocalRegistry;
export let repository: string;
export let pushing: ChildProcess;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'edgewater-push-test-'));
  registry = await startRegistry({
    port: 0,
    host: '127.0.0.1',
    state,
    log: 'off',
    adminPassword: PASSWORD,
  });
});

afterAll(async () => {
  await registry?.stop();
  await rm(state, { recursive: true, force: true });
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewater-push-source-'));
  repository = newRepository();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `edgewater push` with chunks of 1 MiB, at an edge that takes half as much again. */
export async function push(args: readonly string[], edge: Partial<EdgeOptions> = {}): Promise<Run> {
  const front = await Edge.start({ to: registry.url, limit: 1.5 * MEBIBYTE, ...edge });
  onTestFinished(() => front.stop());
  const scratch = join(folder, 'scratch');
  await mkdir(scratch, { recursive: true });
  const env = {
    ...process.env,
    PATH: `${folder}${delimiter}${process.env.PATH}`,
    TMPDIR: scratch,
    XDG_CONFIG_HOME: join(folder, 'home'),
    EDGEWATER_USER: 'admin',
    EDGEWATER_PASSWORD: PASSWORD,
    EDGEWATER_URL: front.url,
  };
  const child = spawn(process.execPath, [CLI, 'push', '--chunk-size', '1', ...args], { env });
  pushing = child;
  const exited = new Promise<number | null>((done) => child.once('close', done));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(await readdir(scratch), 'what is left behind').toEqual([]);
  expect(stdout + stderr).not.toContain(PASSWORD);
  return { code: await exited, stdout, stderr };
}

export async function get(path: string): Promise<Response> {
  const headers = { Authorization: AUTHORIZATION };
  return fetch(`${registry.url}/v2/${repository}/${path}`, { headers });
}

export async function expectPushed(run: Run, reference: string): Promise<Record<string, unknown>> {
  expect(run.code, run.stderr).toBe(0);
  const manifest = await get(`manifests/${reference}`);
  expect(run.stdout).toBe(`${manifest.headers.get('Docker-Content-Digest')}\n`);
  return (await manifest.json()) as Record<string, unknown>;
}

/** An image with a layer that does not fit a request. */
export function largeImage(): TestManifest {
  const config = randomBlob(200);
  const layer = randomBlob(2.3 * MEBIBYTE);
  const body = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config, OCI_CONFIG),
    layers: [descriptorOf(layer)],
  };
  return manifestOf(body, OCI_MANIFEST, [config, layer]);
}
