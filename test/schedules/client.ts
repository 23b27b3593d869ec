import { chunkHeaders, withQuery } from '../support/client.ts';
import type { TestBlob, TestManifest } from '../support/images.ts';
import type { Deployment } from './deployment.ts';

/** What a client learns: an answer, or that there was none. */
export type Outcome = Response | null;

export type Way = 'post' | 'put' | 'chunks';

const ATTEMPTS = 4;
const BASE = 'http://registry.test';

/** Statuses after which clients try again. */
const isTemporary = (outcome: Outcome) =>
  outcome === null || outcome.status === 503 || outcome.status === 429;

/** An answer that no registry should give. */
export class BadAnswer extends Error {}

/** What a client has to reckon with. */
export interface Luck {
  isDoubled: () => boolean; // the next request is sent twice, as proxies do
  mayBeGone: () => boolean; // a session may have come to its end
}

const NORMAL: Luck = { isDoubled: () => false, mayBeGone: () => false };

/** A client who tries again what failed, as docker and containerd do. */
export class Client {
  readonly #deployment: Deployment;
  readonly #isolate: number;
  readonly #luck: Luck;

  constructor(deployment: Deployment, isolate: number, luck: Luck = NORMAL) {
    this.#deployment = deployment;
    this.#isolate = isolate;
    this.#luck = luck;
  }

  /** One request: null when the connection broke. */
  async once(method: string, path: string, init: RequestInit = {}): Promise<Outcome> {
    const send = () =>
      this.#deployment.fetch(new Request(new URL(path, BASE), { method, ...init }), this.#isolate);
    const copy = this.#luck.isDoubled() ? send() : null;
    const answer = await send().catch(() => null);
    await copy?.catch(() => null);
    if (answer !== null && answer.status >= 500 && answer.status !== 503) {
      throw new BadAnswer(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    }
    return answer;
  }

  /** A request until it is answered; null when it never was. */
  async call(method: string, path: string, init: RequestInit = {}): Promise<Outcome> {
    let outcome: Outcome = null;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      outcome = await this.once(method, path, init);
      if (!isTemporary(outcome)) {
        return outcome;
      }
      await outcome?.body?.cancel();
    }
    return null;
  }

  /** Makes sure that a repository has a blob. */
  async pushBlob(repository: string, blob: TestBlob, way: Way): Promise<boolean> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const head = await this.call('HEAD', `/v2/${repository}/blobs/${blob.digest}`);
      if (head?.status === 200 || (await this.#upload(repository, blob, way))) {
        return true;
      }
    }
    return false;
  }

  pushManifest(repository: string, manifest: TestManifest, reference: string): Promise<Outcome> {
    return this.call('PUT', `/v2/${repository}/manifests/${reference}`, {
      headers: { 'Content-Type': manifest.mediaType },
      body: manifest.bytes,
    });
  }

  async #upload(repository: string, blob: TestBlob, way: Way): Promise<boolean> {
    const query = way === 'post' ? `?digest=${blob.digest}` : '';
    const body = way === 'post' ? { body: blob.bytes } : {};
    const started = await this.call('POST', `/v2/${repository}/blobs/uploads/${query}`, body);
    if (started?.status === 201) {
      return true;
    }
    const location = started?.headers.get('Location');
    if (started?.status !== 202 || !location) {
      return false;
    }
    if (way === 'chunks' && !(await this.#sendChunks(location, blob.bytes))) {
      return false;
    }
    const last = way === 'put' ? { body: blob.bytes } : {};
    const done = await this.call('PUT', withQuery(location, 'digest', blob.digest), last);
    if (done !== null && done.status !== 201 && !(done.status === 404 && this.#luck.mayBeGone())) {
      throw new BadAnswer(`${way}: the upload ends with ${done.status} ${await done.text()}`);
    }
    return done?.status === 201;
  }

  async #sendChunks(location: string, bytes: Uint8Array): Promise<boolean> {
    const size = Math.ceil(bytes.byteLength / 2);
    for (let attempt = 0, offset = 0; attempt < 2 * ATTEMPTS; attempt++) {
      if (offset >= bytes.byteLength) {
        return true;
      }
      const chunk = bytes.slice(offset, offset + size);
      await this.once('PATCH', location, { headers: chunkHeaders(offset, chunk), body: chunk });
      const status = await this.call('GET', location);
      if (status?.status !== 204) {
        return false;
      }
      const last = Number(status.headers.get('Range')?.split('-')[1]);
      offset = last === 0 ? 0 : last + 1; // "0-0" is what an empty upload says
    }
    return false;
  }
}
