import { createCipheriv, createHash } from 'node:crypto';
import type { Random } from '../load/random.ts';

const OCI = 'application/vnd.oci.image';
export const MANIFEST_TYPE = `${OCI}.manifest.v1+json`;
export const INDEX_TYPE = `${OCI}.index.v1+json`;

const KIB = 2 ** 10;
const MIB = 2 ** 20;

/** A blob that can be made again from its number. */
export interface Blob {
  digest: string;
  size: number; // bytes
  bytes(): Buffer;
}

/** What a manifest is, and all that it names. */
export interface ManifestContent {
  digest: string;
  mediaType: string;
  bytes: Buffer;
  blobs: readonly Blob[];
  children: readonly ManifestContent[];
  subject: ManifestContent | null;
}

/** Makes content that no other seed makes, and the same for the same seed. */
export class ContentFactory {
  readonly #key: Buffer;
  readonly #largest: number;
  #count = 0;
  readonly #recent: Blob[] = [];

  /** One layer in `rarity` is of several parts; see uploads/part-buffer.ts. */
  constructor(seed: number, rarity: number) {
    this.#key = createHash('sha256').update(String(seed)).digest().subarray(0, 16);
    this.#largest = rarity;
  }

  /** A layer: a new one, or one that other images have. */
  layer(random: Random): Blob {
    if (this.#recent.length > 20 && random.next() < 0.5) {
      return random.pick(this.#recent);
    }
    const layer = this.#blob(this.#size(random));
    this.#recent.push(layer);
    if (this.#recent.length > 80) {
      this.#recent.shift();
    }
    return layer;
  }

  image(random: Random, subject: ManifestContent | null = null): ManifestContent {
    const layers = Array.from({ length: random.between(1, 3) }, () => this.layer(random));
    const config = textBlob(
      JSON.stringify({ architecture: 'amd64', os: 'linux', made: this.#next() }),
    );
    const isLarge = random.next() < 1 / (4 * this.#largest); // above 1 MB its bytes are in R2
    return toContent(
      {
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: { mediaType: `${OCI}.config.v1+json`, digest: config.digest, size: config.size },
        layers: layers.map(({ digest, size }) => ({
          mediaType: `${OCI}.layer.v1.tar`,
          digest,
          size,
        })),
        ...(subject && { subject: describe(subject) }),
        ...(isLarge && { annotations: { padding: 'x'.repeat(1.1e6) } }),
      },
      { mediaType: MANIFEST_TYPE, blobs: [config, ...layers], children: [], subject },
    );
  }

  index(children: readonly ManifestContent[]): ManifestContent {
    return toContent(
      {
        schemaVersion: 2,
        mediaType: INDEX_TYPE,
        manifests: children.map(describe),
        annotations: { made: String(this.#next()) },
      },
      { mediaType: INDEX_TYPE, blobs: [], children, subject: null },
    );
  }

  #next(): string {
    this.#count += 1;
    return `${this.#key.toString('hex')}-${this.#count}`;
  }

  #size(random: Random): number {
    const dice = random.next();
    if (dice < 1 / this.#largest) {
      return random.between(8 * MIB + 1, 18 * MIB);
    }
    return dice < 0.05 ? random.between(64 * KIB, 600 * KIB) : random.between(100, 16 * KIB);
  }

  #blob(size: number): Blob {
    const iv = createHash('sha256').update(this.#next()).digest().subarray(0, 16);
    const bytes = () => createCipheriv('aes-128-ctr', this.#key, iv).update(Buffer.alloc(size));
    return { digest: digestOf(bytes()), size, bytes };
  }
}

export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function textBlob(text: string): Blob {
  const bytes = Buffer.from(text);
  return { digest: digestOf(bytes), size: bytes.byteLength, bytes: () => bytes };
}

function describe({ mediaType, digest, bytes }: ManifestContent) {
  return { mediaType, digest, size: bytes.byteLength };
}

function toContent(
  body: unknown,
  more: Omit<ManifestContent, 'digest' | 'bytes'>,
): ManifestContent {
  const bytes = Buffer.from(JSON.stringify(body));
  return { digest: digestOf(bytes), bytes, ...more };
}
