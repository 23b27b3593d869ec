/**
 * A small client of the distribution protocol, over fetch alone: the same tests speak to the Worker
 * and to any registry that runs somewhere.
 */
import { expect } from 'vitest';
import type { TestManifest } from './images.ts';

let base = '';
let send: (request: Request) => Promise<Response> = () => Promise.reject(new Error('no registry'));

/** Points the client at a registry; the project's setup file does. */
export function useRegistry(url: string, transport: (request: Request) => Promise<Response>): void {
  base = url;
  send = transport;
}

export type HeaderMap = Record<string, string>;

export interface CallOptions {
  headers?: HeaderMap;
  body?: Uint8Array | string | ReadableStream<Uint8Array>;
}

/** One request, to a path or to what a Location header said. Redirects are answers. */
export function call(
  method: string,
  path: string,
  { headers, body }: CallOptions = {},
): Promise<Response> {
  const init = {
    method,
    redirect: 'manual' as const,
    ...(headers && { headers }),
    ...(body !== undefined && { body, duplex: 'half' }),
  };
  return send(new Request(new URL(path, base).toString(), init));
}

let repositories = 0;
const run = Math.random().toString(36).slice(2, 8);

/** A repository name that no other test uses. */
export function newRepository(): string {
  repositories += 1;
  return `test-${run}/repository-${repositories}`;
}

/** The headers of an octet stream that is one chunk from `first`. */
export function chunkHeaders(first: number, bytes: Uint8Array): HeaderMap {
  return {
    'Content-Type': 'application/octet-stream',
    'Content-Range': `${first}-${first + bytes.byteLength - 1}`,
  };
}

/** Opens an upload session: its Location. */
export async function startUpload(repository: string, query = ''): Promise<string> {
  const response = await call('POST', `/v2/${repository}/blobs/uploads/${query}`);
  expect(response.status).toBe(202);
  return header(response, 'Location');
}

/** Adds a parameter to a Location without touching what is there. */
export function withQuery(location: string, name: string, value: string): string {
  return `${location}${location.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`;
}

/** Pushes a blob as oras and containerd do: POST, then one PUT. */
export async function pushBlob(
  repository: string,
  blob: { bytes: Uint8Array; digest: string },
): Promise<void> {
  const location = withQuery(await startUpload(repository), 'digest', blob.digest);
  const response = await call('PUT', location, {
    headers: { 'Content-Type': 'application/octet-stream' },
    body: blob.bytes,
  });
  expect(response.status, await response.text()).toBe(201);
}

/** Pushes the blobs of a manifest and then the manifest, by tag or, without one, by digest. */
export async function push(
  repository: string,
  manifest: TestManifest,
  reference = manifest.digest,
): Promise<Response> {
  for (const blob of manifest.blobs) {
    await pushBlob(repository, blob);
  }
  const response = await pushManifest(repository, manifest, reference);
  expect(response.status, await response.clone().text()).toBe(201);
  return response;
}

export function pushManifest(
  repository: string,
  manifest: TestManifest,
  reference = manifest.digest,
  headers: HeaderMap = {},
): Promise<Response> {
  return call('PUT', `/v2/${repository}/manifests/${reference}`, {
    headers: { 'Content-Type': manifest.mediaType, ...headers },
    body: manifest.bytes,
  });
}

/** The value of a header that has to be there. */
export function header(response: Response, name: string): string {
  const value = response.headers.get(name);
  expect(value, `the header ${name}`).not.toBeNull();
  return value ?? '';
}

export async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

interface ErrorEntry {
  code: string;
  message: string;
  detail?: string;
}

/** The entries of an error answer, which has to have the form that the spec gives it. */
export async function errorsOf(response: Response): Promise<ErrorEntry[]> {
  expect(response.headers.get('Content-Type')).toBe('application/json');
  const { errors } = (await response.json()) as { errors: ErrorEntry[] };
  expect(errors.length).toBeGreaterThan(0);
  return errors;
}

/** Asserts that a request was refused with a status and a code. */
export async function expectError(response: Response, status: number, code: string): Promise<void> {
  const codes = (await errorsOf(response.clone())).map((error) => error.code);
  expect({ status: response.status, code: codes[0] }).toEqual({ status, code });
}

/** The path in the Link header to the next page, or null on the last. */
export function nextPage(response: Response): string | null {
  const link = response.headers.get('Link');
  if (link === null) {
    return null;
  }
  const match = /^<([^>]+)>; rel="?next"?$/.exec(link);
  expect(match, `the form of "${link}"`).not.toBeNull();
  return match?.[1] ?? null;
}
