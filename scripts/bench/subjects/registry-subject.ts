import type { Running } from '../contestants/contestant.ts';
import type { Content } from '../load/content.ts';
import { HttpClient } from '../load/http-client.ts';
import type { Image } from '../load/image.ts';
import type { Seed } from '../seed.ts';
import type { Flow, Subject, Target } from './subject.ts';

const REPOSITORY = 'bench/seed';
const CONNECTIONS = 64; // more than 16 images with 3 blobs each take

/** A registry. */
export class RegistrySubject implements Subject {
  readonly name: string;
  readonly #running: Running;
  readonly #client = new HttpClient(CONNECTIONS);
  readonly #seed: Seed;
  authorization: string | null = null;

  private constructor(name: string, running: Running, seed: Seed) {
    this.name = name;
    this.#running = running;
    this.#seed = seed;
  }

  /**
   * Gives it what the operations read.
   *
   * @throws Error when it lets in somebody without a token
   */
  static async create(name: string, running: Running, seed: Seed): Promise<RegistrySubject> {
    const subject = new RegistrySubject(name, running, seed);
    await subject.#client.send('GET', `${running.url}/v2/`, {}, 401);
    await subject.#client.send('GET', `${running.url}/v2/${REPOSITORY}/tags/list`, {}, 401);
    await subject.renew();
    for (const content of [...seed.blobs, ...seed.image.blobs]) {
      await subject.push(content, 'monolithic');
    }
    await subject.pushManifest(seed.image, 'latest');
    return subject;
  }

  async renew(): Promise<void> {
    this.authorization = await this.#running.authorize(REPOSITORY);
  }

  locate(target: Target): string {
    switch (target) {
      case 'base':
        return `${this.#running.url}/v2/`;
      case 'manifest by digest':
        return this.#path(`manifests/${this.#seed.image.manifest.digest}`);
      case 'manifest by tag':
        return this.#path('manifests/latest');
      default:
        return this.#path(`blobs/${target.digest}`);
    }
  }

  async push(content: Content, flow: Flow): Promise<void> {
    let location = await this.#startUpload();
    const type = { 'Content-Type': 'application/octet-stream' };
    const isStreamed = flow === 'streamed';
    if (isStreamed) {
      const body = { content, isStreamed };
      location = this.#follow((await this.#send('PATCH', location, 202, type, body)).location);
    }
    const url = new URL(location);
    url.searchParams.set('digest', content.digest);
    const body = isStreamed ? undefined : { content, isStreamed };
    await this.#send('PUT', url.href, 201, isStreamed ? {} : type, body);
  }

  /** As docker does: it asks before, and makes sure after. */
  async pushLayer(content: Content): Promise<void> {
    await this.#send('HEAD', this.locate(content), 404);
    await this.push(content, 'streamed');
    await this.#send('HEAD', this.locate(content), 200);
  }

  async pushManifest({ manifest, mediaType }: Image, tag: string): Promise<void> {
    const body = { content: manifest, isStreamed: false };
    await this.#send(
      'PUT',
      this.#path(`manifests/${tag}`),
      201,
      { 'Content-Type': mediaType },
      body,
    );
  }

  /** Finds a tag and reads what it names. */
  async pullManifest({ manifest, mediaType }: Image, tag: string): Promise<void> {
    const accept = { Accept: mediaType };
    await this.#send('HEAD', this.#path(`manifests/${tag}`), 200, accept);
    await this.#send('GET', this.#path(`manifests/${manifest.digest}`), 200, accept);
  }

  /** @throws Error unless all of it comes */
  async pullBlob(content: Content): Promise<void> {
    const { size } = await this.#send('GET', this.locate(content), 200);
    if (size !== content.size) {
      throw new Error(`${this.name} brought ${size} of ${content.size} bytes`);
    }
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.#running.stop();
  }

  async #startUpload(): Promise<string> {
    return this.#follow((await this.#send('POST', this.#path('blobs/uploads/'), 202)).location);
  }

  #send(
    method: string,
    url: string,
    expected: number,
    headers: Record<string, string> = {},
    body?: { content: Content; isStreamed: boolean },
  ) {
    const { authorization } = this;
    const all = { ...headers, ...(authorization !== null && { Authorization: authorization }) };
    return this.#client.send(method, url, all, expected, body);
  }

  #path(rest: string): string {
    return `${this.#running.url}/v2/${REPOSITORY}/${rest}`;
  }

  #follow(location: string): string {
    return new URL(location, this.#running.url).href;
  }
}
