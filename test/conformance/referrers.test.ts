/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers */
import { describe, expect, test } from 'vitest';
import {
  bytesOf,
  call,
  expectError,
  header,
  newRepository,
  nextPage,
  push,
} from '../support/client.ts';
import {
  artifactOf,
  indexOf,
  OCI_CONFIG,
  OCI_INDEX,
  randomDigest,
  randomImage,
  type TestManifest,
} from '../support/images.ts';

interface Referrer {
  mediaType: string;
  digest: string;
  size: number;
  artifactType?: string;
  annotations?: Record<string, string>;
}

const SBOM = 'application/vnd.example.sbom.v1';
const SIGNATURE = 'application/vnd.example.signature.v1';

async function referrersOf(response: Response): Promise<Referrer[]> {
  expect(response.status).toBe(200);
  expect(header(response, 'Content-Type')).toBe(OCI_INDEX);
  const index = (await response.json()) as {
    schemaVersion: number;
    mediaType: string;
    manifests: Referrer[];
  };
  expect(index).toMatchObject({ schemaVersion: 2, mediaType: OCI_INDEX });
  return index.manifests;
}

const digests = (manifests: readonly { digest: string }[]) =>
  manifests.map(({ digest }) => digest).sort();

async function pushAll(repository: string, manifests: readonly TestManifest[]) {
  for (const manifest of manifests) {
    await push(repository, manifest);
  }
}

describe('referrers', () => {
  test('end-7: a subject MAY have a digest that this registry cannot verify', async () => {
    const repository = newRepository();
    const digest = `sha384:${'a'.repeat(96)}`;
    const subject = { mediaType: OCI_INDEX, digest, size: 1 };
    const artifact = indexOf([], { artifactType: SBOM, subject });
    const response = await push(repository, artifact);
    expect(header(response, 'OCI-Subject')).toBe(digest);
    const list = await call('GET', `/v2/${repository}/referrers/${digest}`);
    expect(((await list.json()) as { manifests: { digest: string }[] }).manifests).toMatchObject([
      { digest: artifact.digest },
    ]);
  });

  test('end-12a: descriptors of all that name the subject, with type and annotations', async () => {
    const repository = newRepository();
    const subject = randomImage();
    const annotations = { 'org.example.note': 'ü "quoted"' };
    const sbom = artifactOf(SBOM, subject, annotations);
    await pushAll(repository, [subject, sbom]);
    const response = await call('GET', `/v2/${repository}/referrers/${subject.digest}`);
    expect(await referrersOf(response)).toEqual([
      {
        mediaType: sbom.mediaType,
        digest: sbom.digest,
        size: sbom.bytes.byteLength,
        artifactType: SBOM,
        annotations,
      },
    ]);
  });

  test('end-12a: without artifactType an image has the type of its config, an index has none', async () => {
    const repository = newRepository();
    const subject = randomImage();
    const of = {
      subject: {
        mediaType: subject.mediaType,
        digest: subject.digest,
        size: subject.bytes.byteLength,
      },
    };
    const image = randomImage(of);
    const index = indexOf([], of);
    await pushAll(repository, [subject, image, index]);
    const found = await referrersOf(
      await call('GET', `/v2/${repository}/referrers/${subject.digest}`),
    );
    const types = Object.fromEntries(
      found.map((referrer) => [referrer.digest, referrer.artifactType]),
    );
    expect(types).toEqual({ [image.digest]: OCI_CONFIG, [index.digest]: undefined });
    expect(found.filter((referrer) => 'artifactType' in referrer)).toHaveLength(1);
  });

  test('end-12b: artifactType filters and says so', async () => {
    const repository = newRepository();
    const subject = randomImage();
    const [sbom, signature] = [artifactOf(SBOM, subject), artifactOf(SIGNATURE, subject)];
    await pushAll(repository, [subject, sbom, signature]);
    const path = `/v2/${repository}/referrers/${subject.digest}`;
    const filtered = await call('GET', `${path}?artifactType=${encodeURIComponent(SBOM)}`);
    expect(header(filtered, 'OCI-Filters-Applied')).toBe('artifactType');
    expect(digests(await referrersOf(filtered))).toEqual([sbom.digest]);
    const none = await call('GET', `${path}?artifactType=application/none`);
    expect(await referrersOf(none)).toEqual([]);
    const all = await call('GET', path);
    expect(all.headers.get('OCI-Filters-Applied')).toBeNull();
    expect(digests(await referrersOf(all))).toEqual(digests([sbom, signature]));
  });

  test('end-12a: nothing, an unknown digest or repository is an empty index and never a 404', async () => {
    const repository = newRepository();
    const subject = randomImage();
    await push(repository, subject);
    for (const path of [
      `${repository}/referrers/${subject.digest}`,
      `${repository}/referrers/${randomDigest()}`,
      `${newRepository()}/referrers/${randomDigest('sha512')}`,
    ]) {
      expect(await referrersOf(await call('GET', `/v2/${path}`))).toEqual([]);
    }
  });

  test('end-12a: something that is no digest is a 400', async () => {
    const response = await call('GET', `/v2/${newRepository()}/referrers/latest`);
    await expectError(response, 400, 'DIGEST_INVALID');
  });

  test('end-7a: a push with a subject answers OCI-Subject, whether the subject is there or not', async () => {
    const repository = newRepository();
    const subject = randomImage();
    const early = artifactOf(SBOM, subject);
    expect(header(await push(repository, early), 'OCI-Subject')).toBe(subject.digest);
    const plain = await push(repository, subject);
    expect(plain.headers.get('OCI-Subject')).toBeNull();
    const found = await call('GET', `/v2/${repository}/referrers/${subject.digest}`);
    expect(digests(await referrersOf(found))).toEqual([early.digest]);
  });

  test('end-12a: what an index under the fallback tag lists is found', async () => {
    const repository = newRepository();
    const subject = randomImage();
    const signature = artifactOf(SIGNATURE, subject);
    await pushAll(repository, [subject, signature]);
    const fallback = subject.digest.replace(':', '-');
    const index = indexOf([signature]);
    await push(repository, index, fallback);
    expect(await bytesOf(await call('GET', `/v2/${repository}/manifests/${fallback}`))).toEqual(
      index.bytes,
    );
    const found = await call('GET', `/v2/${repository}/referrers/${subject.digest}`);
    expect(digests(await referrersOf(found))).toEqual([signature.digest]);
  });

  test('end-12a: a deleted referrer is gone, and referrers outlive their subject', async () => {
    const repository = newRepository();
    const subject = randomImage();
    const [kept, deleted] = [artifactOf(SBOM, subject), artifactOf(SBOM, subject)];
    await pushAll(repository, [subject, kept, deleted]);
    await call('DELETE', `/v2/${repository}/manifests/${deleted.digest}`);
    await call('DELETE', `/v2/${repository}/manifests/${subject.digest}`);
    const found = await call('GET', `/v2/${repository}/referrers/${subject.digest}`);
    expect(digests(await referrersOf(found))).toEqual([kept.digest]);
  });

  test('end-12a: n pages with Link, and the filter stays', async () => {
    const repository = newRepository();
    const subject = randomImage();
    const sboms = Array.from({ length: 5 }, () => artifactOf(SBOM, subject));
    await pushAll(repository, [subject, ...sboms, artifactOf(SIGNATURE, subject)]);
    const found: Referrer[] = [];
    const first = `/v2/${repository}/referrers/${subject.digest}?n=2&artifactType=${SBOM}`;
    for (let next: string | null = first; next !== null; ) {
      const response = await call('GET', next);
      expect(header(response, 'OCI-Filters-Applied')).toBe('artifactType');
      next = nextPage(response);
      found.push(...(await referrersOf(response)));
    }
    expect(digests(found)).toEqual(digests(sboms));
  });

  test('end-12a: big annotations are paged: no page has more than 4 MiB and none is lost', async () => {
    const repository = newRepository();
    const subject = randomImage();
    // Inline in D1 (800 kB) and in R2 (3.9 MB); quotes double in JSON.
    const sizes = [800_000, 800_000, 800_000, 800_000, 3_900_000, 3_900_000];
    const artifacts = sizes.map((size, index) =>
      artifactOf(SBOM, subject, { index: String(index), big: '"'.repeat(size / 2) }),
    );
    await pushAll(repository, [subject, ...artifacts]);
    const found: Referrer[] = [];
    let pages = 0;
    for (
      let next: string | null = `/v2/${repository}/referrers/${subject.digest}`;
      next !== null;
    ) {
      const response = await call('GET', next);
      const bytes = (await response.clone().arrayBuffer()).byteLength;
      expect(bytes).toBeLessThanOrEqual(4 * 2 ** 20);
      next = nextPage(response);
      found.push(...(await referrersOf(response)));
      pages += 1;
    }
    expect(pages).toBeGreaterThan(1);
    expect(digests(found)).toEqual(digests(artifacts));
    expect(found.every((referrer) => referrer.annotations?.big !== undefined)).toBe(true);
  });
});
