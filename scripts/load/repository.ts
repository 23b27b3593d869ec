import type { Content } from '../bench/load/content.ts';
import type { Image } from '../bench/load/image.ts';
import type { Flow } from '../bench/subjects/subject.ts';
import type { Client, Question } from './client.ts';

/** Content by what it has to be when it is pulled. */
export type Named = Pick<Content, 'size' | 'digest'>;

/** An image that is in the registry, without its bytes. */
export interface Published {
  repository: string;
  tag: string;
  manifest: Named;
  blobs: readonly Named[];
}

/** What the load does with one repository over one client. All of it throws unless it goes well. */
export class Repository {
  readonly #client: Client;
  readonly #url: string;
  readonly #authorize: () => Promise<string>;
  readonly name: string;

  constructor(client: Client, url: string, name: string, authorize: () => Promise<string>) {
    this.#client = client;
    this.#url = url;
    this.name = name;
    this.#authorize = authorize;
  }

  async pushBlob(content: Content, flow: Flow): Promise<void> {
    let location = (await this.#ask('POST', 'blobs/uploads/', 202)).location;
    const headers = { 'Content-Type': 'application/octet-stream' };
    const isStreamed = flow === 'streamed';
    const body = { content, isStreamed };
    if (isStreamed) {
      location = (await this.#ask('PATCH', location, 202, { headers, body })).location;
    }
    const url = new URL(location, this.#url);
    url.searchParams.set('digest', content.digest);
    await this.#ask('PUT', url.href, 201, isStreamed ? {} : { headers, body });
  }

  async mountBlob({ digest }: Named, from: string): Promise<void> {
    const query = new URLSearchParams({ mount: digest, from });
    await this.#ask('POST', `blobs/uploads/?${query}`, 201);
  }

  async pushManifest({ manifest, mediaType }: Image, reference: string): Promise<void> {
    const headers = { 'Content-Type': mediaType };
    const body = { content: manifest, isStreamed: false };
    const { contentDigest } = await this.#ask('PUT', `manifests/${reference}`, 201, {
      headers,
      body,
    });
    expectEqual(contentDigest, manifest.digest, `the digest of ${reference}`);
  }

  /** As docker pushes: it asks before, streams, and makes sure after. */
  async pushAsDocker(image: Image, tag: string): Promise<void> {
    for (const blob of [...image.layers, image.config]) {
      await this.headBlob(blob, 404);
      await this.pushBlob(blob, 'streamed');
      await this.headBlob(blob);
    }
    await this.pushManifest(image, tag);
  }

  /** As containerd pushes: a PUT for each blob. */
  async pushAsContainerd(image: Image, tag: string): Promise<void> {
    for (const blob of image.blobs) {
      await this.pushBlob(blob, 'monolithic');
    }
    await this.pushManifest(image, tag);
  }

  async headBlob({ digest, size }: Named, expected: 200 | 404 = 200): Promise<void> {
    const { contentDigest } = await this.#ask('HEAD', `blobs/${digest}`, expected);
    if (expected === 200) {
      expectEqual(contentDigest, digest, `the digest of a blob of ${size} bytes`);
    }
  }

  /** What a reference names has to be this manifest; null: it has to name nothing. */
  async headManifest(reference: string, wanted: Named | null): Promise<void> {
    const expected = wanted === null ? 404 : 200;
    const { contentDigest } = await this.#ask('HEAD', `manifests/${reference}`, expected);
    if (wanted !== null) {
      expectEqual(contentDigest, wanted.digest, `what ${reference} names`);
    }
  }

  async pullManifest(reference: string, wanted: Named): Promise<void> {
    const reply = await this.#ask('GET', `manifests/${reference}`, 200, { keep: 'digest' });
    expectEqual(reply.digest, wanted.digest, `the manifest at ${reference}`);
  }

  /** Its bytes are compared by their digest, or only counted. */
  async pullBlob({ digest, size }: Named, keep: 'digest' | 'nothing' = 'digest'): Promise<void> {
    const reply = await this.#ask('GET', `blobs/${digest}`, 200, { keep });
    expectEqual(reply.size, size, `the size of ${digest}`);
    if (keep === 'digest') {
      expectEqual(reply.digest, digest, 'the digest of a blob');
    }
  }

  /** As docker pulls: what does the tag name, and then everything by its digest. */
  async pull({ tag, manifest, blobs }: Published): Promise<void> {
    await this.headManifest(tag, manifest);
    await this.pullByDigest({ manifest, blobs });
  }

  async pullByDigest({ manifest, blobs }: Pick<Published, 'manifest' | 'blobs'>): Promise<void> {
    await this.pullManifest(manifest.digest, manifest);
    for (const blob of blobs) {
      await this.pullBlob(blob);
    }
  }

  /** Both ends of the range are part of it. */
  async pullRange({ digest }: Named, first: number, last: number): Promise<Buffer> {
    const headers = { Range: `bytes=${first}-${last}` };
    const { bytes } = await this.#ask('GET', `blobs/${digest}`, 206, { headers, keep: 'bytes' });
    expectEqual(bytes.byteLength, last - first + 1, `the size of a range of ${digest}`);
    return bytes;
  }

  async delete(what: 'blobs' | 'manifests', reference: string): Promise<void> {
    await this.#ask('DELETE', `${what}/${reference}`, 202);
  }

  async #ask(
    method: Question['method'],
    path: string, // in this repository, or of a Location
    expected: number,
    { headers, ...more }: Pick<Question, 'headers' | 'body' | 'keep'> = {},
  ) {
    const authorization = { Authorization: await this.#authorize() };
    const url = new URL(path, `${this.#url}/v2/${this.name}/`).href;
    return this.#client.ask({
      method,
      url,
      expected,
      headers: { ...headers, ...authorization },
      ...more,
    });
  }
}

function expectEqual(found: unknown, wanted: unknown, what: string): void {
  if (found !== wanted) {
    throw new Error(`${what} is ${found}, not ${wanted}`);
  }
}
