/** Each route while R2, D1 or the upload sessions do not answer: 503, and the same again works. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import worker from '../../src/index.ts';
import { PART_SIZE } from '../../src/uploads/part-buffer.ts';
import {
  type CallOptions,
  call,
  newRepository,
  push,
  pushBlob,
  startUpload,
  useRegistry,
  withQuery,
} from '../support/client.ts';
import { artifactOf, randomBlob, randomImage } from '../support/images.ts';
import { breakable, type Service, withoutService } from '../support/outage.ts';
import { expectNoOrphans } from '../support/storage.ts';

const bindings = { ...env, UPLOADS: breakable('upload sessions', env.UPLOADS) };
useRegistry('http://registry.test', (request) => worker.fetch(request as never, bindings));

afterEach(expectNoOrphans);

const SERVICES: Service[] = ['D1', 'R2', 'upload sessions'];

type Request = [method: string, path: string, options?: CallOptions];

interface Row {
  title: string;
  needs: readonly Service[];
  status: number; // when all is well
  /** Makes what the request is about, which nobody has read before. */
  given: (repository: string) => Promise<Request>;
}

const octets = { 'Content-Type': 'application/octet-stream' };
const bigImage = () => randomImage({ annotations: { big: 'x'.repeat(1_100_000) } });
const manifestPath = (repository: string, reference: string) =>
  `/v2/${repository}/manifests/${reference}`;

const ofImage =
  (
    method: string,
    path: (repository: string, image: ReturnType<typeof randomImage>) => string,
    image = randomImage,
  ) =>
  async (repository: string): Promise<Request> => {
    const pushed = image();
    await push(repository, pushed, 'latest');
    return [method, path(repository, pushed)];
  };

const ofManifest =
  (image: typeof randomImage) =>
  async (repository: string): Promise<Request> => {
    const manifest = image();
    for (const blob of manifest.blobs) {
      await pushBlob(repository, blob);
    }
    const headers = { 'Content-Type': manifest.mediaType };
    return ['PUT', manifestPath(repository, 'latest'), { headers, body: manifest.bytes }];
  };

const ofBlob =
  (method: string) =>
  async (repository: string): Promise<Request> => {
    const blob = randomBlob(100);
    await pushBlob(repository, blob);
    return [method, `/v2/${repository}/blobs/${blob.digest}`];
  };

const ROWS: readonly Row[] = [
  { title: 'the version', needs: [], status: 200, given: async () => ['GET', '/v2/'] },
  { title: 'the catalog', needs: ['D1'], status: 200, given: async () => ['GET', '/v2/_catalog'] },
  { title: 'a search', needs: ['D1'], status: 200, given: async () => ['GET', '/v1/search?q=x'] },
  { title: 'a blob', needs: ['D1', 'R2'], status: 200, given: ofBlob('GET') },
  { title: 'whether a blob is there', needs: ['D1'], status: 200, given: ofBlob('HEAD') },
  { title: 'deleting a blob', needs: ['D1'], status: 202, given: ofBlob('DELETE') },
  {
    title: 'a manifest by tag',
    needs: ['D1'],
    status: 200,
    given: ofImage('GET', (repository) => manifestPath(repository, 'latest')),
  },
  {
    title: 'a manifest by digest',
    needs: ['D1'],
    status: 200,
    given: ofImage('GET', (repository, { digest }) => manifestPath(repository, digest)),
  },
  {
    title: 'a large manifest',
    needs: ['D1', 'R2'],
    status: 200,
    given: ofImage('GET', (repository, { digest }) => manifestPath(repository, digest), bigImage),
  },
  {
    title: 'whether a manifest is there',
    needs: ['D1'],
    status: 200,
    given: ofImage('HEAD', (repository) => manifestPath(repository, 'latest')),
  },
  {
    title: 'deleting a tag',
    needs: ['D1'],
    status: 202,
    given: ofImage('DELETE', (repository) => manifestPath(repository, 'latest')),
  },
  {
    title: 'deleting a manifest',
    needs: ['D1'],
    status: 202,
    given: ofImage('DELETE', (repository, { digest }) => manifestPath(repository, digest)),
  },
  {
    title: 'the tags',
    needs: ['D1'],
    status: 200,
    given: ofImage('GET', (repository) => `/v2/${repository}/tags/list`),
  },
  {
    title: 'the referrers',
    needs: ['D1'],
    status: 200,
    given: async (repository) => {
      const image = randomImage();
      await push(repository, artifactOf('application/vnd.example.sbom', image));
      return ['GET', `/v2/${repository}/referrers/${image.digest}`];
    },
  },
  { title: 'pushing a manifest', needs: ['D1'], status: 201, given: ofManifest(randomImage) },
  { title: 'pushing a large one', needs: ['D1', 'R2'], status: 201, given: ofManifest(bigImage) },
  {
    title: 'starting an upload',
    needs: ['D1', 'upload sessions'],
    status: 202,
    given: async (repository) => ['POST', `/v2/${repository}/blobs/uploads/`],
  },
  {
    title: 'a mount',
    needs: ['D1'],
    status: 201,
    given: async (repository) => {
      const [blob, source] = [randomBlob(10), newRepository()];
      await pushBlob(source, blob);
      return ['POST', `/v2/${repository}/blobs/uploads/?mount=${blob.digest}&from=${source}`];
    },
  },
  {
    title: 'a blob in one request',
    needs: ['D1', 'R2', 'upload sessions'],
    status: 201,
    given: async (repository) => {
      const { digest, bytes } = randomBlob(100);
      const path = `/v2/${repository}/blobs/uploads/?digest=${digest}`;
      return ['POST', path, { headers: octets, body: bytes }];
    },
  },
  {
    title: 'how far an upload is',
    needs: ['upload sessions'],
    status: 204,
    given: async (repository) => ['GET', await startUpload(repository)],
  },
  {
    title: 'a chunk that makes a part',
    needs: ['R2', 'upload sessions'],
    status: 202,
    given: async (repository) => {
      const body = randomBlob(PART_SIZE + 1).bytes;
      return ['PATCH', await startUpload(repository), { headers: octets, body }];
    },
  },
  {
    title: 'the end of an upload',
    needs: ['D1', 'R2', 'upload sessions'],
    status: 201,
    given: async (repository) => {
      const { digest, bytes } = randomBlob(100);
      const location = await startUpload(repository);
      return ['PUT', withQuery(location, 'digest', digest), { headers: octets, body: bytes }];
    },
  },
  {
    title: 'giving an upload up',
    needs: ['D1', 'upload sessions'],
    status: 204,
    given: async (repository) => ['DELETE', await startUpload(repository)],
  },
];

describe.each(SERVICES)('without %s', (service) => {
  test.each(ROWS)('$title', async ({ needs, status, given }) => {
    const request = await given(newRepository());
    const answer = await withoutService(service, () => call(...request));
    if (!needs.includes(service)) {
      expect(answer.status, await answer.text()).toBe(status);
      return;
    }
    const text = await answer.text();
    expect(answer.status, text).toBe(503);
    expect(answer.headers.get('Retry-After')).toBe('1');
    if (request[0] !== 'HEAD') {
      expect(JSON.parse(text)).toMatchObject({ errors: [{ code: 'UNAVAILABLE' }] });
    }
    const repeated = await call(...request);
    expect(repeated.status, await repeated.text()).toBe(status);
  });
});
