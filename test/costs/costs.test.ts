/** Each operation, as real clients do it with a token, costs what scripts/costs/operations.ts says. */
import { env } from 'cloudflare:workers';
import { afterEach, expect, test, vi } from 'vitest';
import { OPERATIONS, type OperationName } from '../../scripts/costs/operations.ts';
import worker from '../../src/index.ts';
import { PART_SIZE } from '../../src/uploads/part-buffer.ts';
import { UpstreamGate } from '../../src/upstream/upstream-gate.ts';
import { createNamespace, createRobot } from '../support/accounts.ts';
import { streamOf } from '../support/bodies.ts';
import {
  bytesOf,
  call,
  header,
  newRepository,
  pushManifest,
  startUpload,
  useRegistry,
  withQuery,
} from '../support/client.ts';
import { ADMIN, closedEnv, REGISTRY } from '../support/closed.ts';
import { cached, countCallsOf, countDuring, countedObjects } from '../support/counting.ts';
import {
  descriptorOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  type TestBlob,
  type TestManifest,
} from '../support/images.ts';
import { stubUpstream } from '../support/stub-upstream.ts';
import { bearer, fetchToken } from '../support/tokens.ts';

const LAYERS = 6;

/** How many rows more or less may be read. */
const ROWS_BESIDE = 3;

/** Uploads of R2 parts: each but the last has PART_SIZE. */
const LARGE = 2.5 * PART_SIZE; // bytes

const bindings = closedEnv({
  UPLOADS: countedObjects(env.UPLOADS),
  MIRRORS: countedObjects(env.MIRRORS),
});
countCallsOf(UpstreamGate, ['enter', 'authorize', 'report']);

let authorization = '';
let requests = 0;

useRegistry(REGISTRY, (request) => {
  requests += 1;
  if (authorization !== '' && !request.headers.has('Authorization')) {
    request.headers.set('Authorization', authorization);
  }
  return worker.fetch(request as never, bindings);
});

const repository = newRepository();
const namespace = repository.split('/')[0] ?? '';
await createNamespace(namespace);
const robot = await createRobot(namespace, 'ci', 'maintainer');

const logIn = async (scope: string) => {
  authorization = '';
  ({ Authorization: authorization = '' } = await bearer(scope, robot.headers));
};
const asPusher = () => logIn(`repository:${repository}:pull,push`);
const asPuller = () => logIn(`repository:${repository}:pull`);

async function expectCost(name: OperationName, work: () => Promise<unknown>): Promise<void> {
  requests = 0;
  const counts = await countDuring(work);
  const { d1RowsRead, ...wanted } = OPERATIONS[name].counts;
  // What goes on behind the answers counts as well.
  await expect
    .poll(() => ({ requests, ...counts }), { message: name })
    .toMatchObject({
      requests: OPERATIONS[name].requests,
      ...wanted,
    });
  // SQLite counts the row behind a range too, if there is one: that is up to the random digests.
  const beside = d1RowsRead > 3 * ROWS_BESIDE ? ROWS_BESIDE : 0;
  expect(Math.abs(counts.d1RowsRead - d1RowsRead), `${name}: rows read`).toBeLessThanOrEqual(
    beside,
  );
}

function newImage(): TestManifest {
  const config = randomBlob(1000);
  const layers = Array.from({ length: LAYERS }, () => randomBlob(1000));
  const body = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config, OCI_CONFIG),
    layers: layers.map((layer) => descriptorOf(layer)),
  };
  return manifestOf(body, OCI_MANIFEST, [...layers, config]);
}

/** As docker does: is it there, a session, one chunk of unknown length, the digest, is it there now. */
async function pushAsDocker(image: TestManifest): Promise<void> {
  for (const blob of image.blobs) {
    expect(await statusOf('HEAD', `blobs/${blob.digest}`)).toBe(404);
    await stream(blob);
    expect(await statusOf('HEAD', `blobs/${blob.digest}`)).toBe(200);
  }
  expect((await pushManifest(repository, image, 'v1')).status).toBe(201);
}

async function stream(blob: TestBlob): Promise<void> {
  const location = await startUpload(repository);
  const patch = await call('PATCH', location, { body: streamOf(blob.bytes) });
  expect(patch.status).toBe(202);
  const put = withQuery(header(patch, 'Location'), 'digest', blob.digest);
  expect((await call('PUT', put)).status).toBe(201);
}

/** As containerd does: is it there, a session, all in one request. */
async function pushAsContainerd(image: TestManifest): Promise<void> {
  for (const blob of image.blobs) {
    expect(await statusOf('HEAD', `blobs/${blob.digest}`)).toBe(404);
    await put(blob);
  }
  expect((await pushManifest(repository, image, 'v1')).status).toBe(201);
}

async function put(blob: TestBlob): Promise<void> {
  const location = withQuery(await startUpload(repository), 'digest', blob.digest);
  const headers = { 'Content-Length': String(blob.bytes.byteLength) };
  expect((await call('PUT', location, { headers, body: blob.bytes })).status).toBe(201);
}

async function pullByDigest(image: TestManifest): Promise<void> {
  for (const path of [
    `manifests/${image.digest}`,
    ...image.blobs.map(({ digest }) => `blobs/${digest}`),
  ]) {
    expect(await statusOf('GET', path)).toBe(200);
  }
}

/** As docker does: what does the tag name, then by digest. */
async function pullByTag(image: TestManifest): Promise<void> {
  expect(await statusOf('HEAD', 'manifests/v1')).toBe(200);
  await pullByDigest(image);
}

async function statusOf(method: string, path: string, name = repository): Promise<number> {
  const response = await call(method, `/v2/${name}/${path}`);
  await bytesOf(response);
  return response.status;
}

test('a token', async () => {
  await fetchToken(`repository:${repository}:pull`, robot.headers);
  await expectCost('token', () => fetchToken(`repository:${repository}:pull`, robot.headers));
});

test('an image of small layers: L+1 puts, no reads; again: no storage, one query a blob', async () => {
  await asPusher();
  const image = newImage();
  await expectCost('push', () => pushAsDocker(image));
  await expectCost('rePush', async () => {
    for (const { digest } of image.blobs) {
      expect(await statusOf('HEAD', `blobs/${digest}`)).toBe(200);
    }
    expect((await pushManifest(repository, image, 'v1')).status).toBe(201);
  });
  await expectCost('monolithicPush', () => pushAsContainerd(newImage()));
});

test('pulls: at most one read an object when cold, nothing at all when warm', async () => {
  await asPusher();
  const image = newImage();
  await pushAsDocker(image);
  await asPuller();
  await expectCost('coldPull', () => pullByTag(image));
  await expectCost('warmPull', () => pullByDigest(image));
  await expectCost('warmTagPull', () => pullByTag(image));
});

test('a large layer: its parts and two more; cold two reads, warm one look-up', async () => {
  await asPusher();
  const layer = randomBlob(LARGE);
  await expectCost('streamedLayer', () => stream(layer));
  const other = randomBlob(LARGE);
  await expectCost('monolithicLayer', () => put(other));
  await asPuller();
  await expectCost('coldLargePull', async () => {
    expect(await statusOf('GET', `blobs/${layer.digest}`)).toBe(200);
    await cached(REGISTRY, layer);
  });
  await expectCost('warmLargePull', () => statusOf('GET', `blobs/${layer.digest}`));
});

test('a mount: one batch', async () => {
  await asPusher();
  const blob = randomBlob(1000);
  await put(blob);
  const other = `${namespace}/other`;
  await logIn(`repository:${repository}:pull repository:${other}:pull,push`);
  const path = `/v2/${other}/blobs/uploads/?mount=${blob.digest}&from=${repository}`;
  await expectCost('mount', async () => {
    expect((await call('POST', path)).status).toBe(201);
  });
});

afterEach(() => vi.unstubAllGlobals());

test('a mirror: what was fetched costs what an own image does, but for the age of a tag', async () => {
  const image = newImage();
  const [first = randomBlob(1), ...others] = image.blobs;
  stubUpstream(image);
  const put = (tagMaxAge: number) =>
    call('PUT', '/api/v1/upstreams/quay.io', {
      headers: { ...ADMIN, 'Content-Type': 'application/json' },
      body: JSON.stringify({ url: 'https://quay.io', tagMaxAge, isPublic: true }),
    });
  authorization = '';
  expect((await put(300)).status).toBe(200);
  const name = 'quay.io/acme/app';
  ({ Authorization: authorization = '' } = await bearer(`repository:${name}:pull`));
  const get = async (...paths: string[]) => {
    for (const path of paths) {
      expect(await statusOf('GET', path, name)).toBe(200);
    }
  };
  const blobs = (list: readonly TestBlob[]) => list.map(({ digest }) => `blobs/${digest}`);
  await expectCost('mirrorColdManifest', () => get('manifests/v1'));
  await expectCost('mirrorColdBlob', () => get(...blobs([first])));
  await get(...blobs(others));
  const warm = [`manifests/${image.digest}`, ...blobs(image.blobs)];
  await get(...warm);
  await expectCost('mirrorWarmPull', () => get(...warm));
  await expectCost('mirrorWarmTagPull', async () => {
    expect(await statusOf('HEAD', 'manifests/v1', name)).toBe(200);
    await get(...warm);
  });
  await env.DB.prepare('UPDATE upstream_tags SET checked_at = 0').run();
  await expectCost('mirrorOldTag', () => get('manifests/v1'));
});
