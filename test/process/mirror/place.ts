/** A registry that mirrors, and the registry in a few lines that it mirrors. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { type LocalRegistry, startRegistry } from '../../../scripts/registry/local-registry.ts';
import { bytesOf, call, useRegistry } from '../../support/client.ts';
import {
  descriptorOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  type TestBlob,
  type TestManifest,
} from '../../support/images.ts';
import { ADMIN, PASSWORD } from './administrator.ts';
import { Upstream } from './upstream.ts';

export let registry: LocalRegistry;
export let upstream: Upstream; // of one test

/** Starts the registry of a test file, and an upstream for each test. */
export function usePlace(variables: Record<string, string> = {}): void {
  let state: string;
  beforeAll(async () => {
    state = await mkdtemp(join(tmpdir(), 'edgewater-mirror-'));
    registry = await startRegistry({
      port: 0,
      host: '127.0.0.1',
      state,
      log: 'off',
      adminPassword: PASSWORD,
      variables: { PRIVATE_UPSTREAMS: 'true', ...variables },
    });
    useRegistry(registry.url, (request) => {
      request.headers.set('Authorization', ADMIN);
      return fetch(request);
    });
  });
  afterAll(async () => {
    await registry?.stop();
    await rm(state, { recursive: true, force: true });
  });
  beforeEach(async () => {
    upstream = await Upstream.start();
    return () => upstream.stop();
  });
}

/** The JSON API as the administrator. */
export async function api(method: string, path: string, body?: object): Promise<string> {
  const response = await call(method, `/api/v1${path}`, {
    headers: { 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect(response.ok, text).toBe(true);
  return text;
}

let mirrors = 0;

/** Makes a mirror of the upstream: its namespace, which no other test uses. */
export async function newMirror(settings: Record<string, unknown> = {}): Promise<string> {
  mirrors += 1;
  const namespace = `mirror-${mirrors}.test`;
  await setMirror(namespace, settings);
  return namespace;
}

export async function setMirror(namespace: string, settings: Record<string, unknown> = {}) {
  await api('PUT', `/upstreams/${namespace}`, { url: upstream.url, ...settings });
}

export function image(...sizes: readonly number[]): TestManifest {
  const config = randomBlob(200);
  const layers = sizes.map((size) => randomBlob(size));
  const body = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config, OCI_CONFIG),
    layers: layers.map((layer) => descriptorOf(layer)),
  };
  return manifestOf(body, OCI_MANIFEST, [config, ...layers]);
}

export function layerOf({ blobs }: TestManifest): TestBlob {
  return blobs.at(-1) as TestBlob;
}

export function getManifest(repository: string, reference: string): Promise<Response> {
  return call('GET', `/v2/${repository}/manifests/${reference}`);
}

export function getBlob(repository: string, { digest }: TestBlob): Promise<Response> {
  return call('GET', `/v2/${repository}/blobs/${digest}`);
}

export async function expectBytes(response: Response, { bytes }: TestBlob): Promise<void> {
  const got = await bytesOf(response);
  expect(response.status, Buffer.from(got.subarray(0, 300)).toString()).toBe(200);
  expect(Buffer.compare(got, bytes)).toBe(0);
}

/** Pulls as clients do: manifest by tag or digest, then all that it names at once. */
export async function pullImage(
  repository: string,
  wanted: TestManifest,
  reference = 'latest',
): Promise<Response> {
  const manifest = await getManifest(repository, reference);
  await expectBytes(manifest, wanted);
  await Promise.all(
    wanted.blobs.map(async (blob) => expectBytes(await getBlob(repository, blob), blob)),
  );
  return manifest;
}
