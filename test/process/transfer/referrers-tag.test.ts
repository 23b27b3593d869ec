/** Registries without the referrers API: who pushes there keeps the list under a tag, and who pulls reads it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { call, newRepository, push } from '../../support/client.ts';
import {
  artifactOf,
  descriptorOf,
  indexOf,
  OCI_INDEX,
  randomImage,
  type TestManifest,
} from '../../support/images.ts';
import { ask, begin, digestThere, ended, front, MIRROR, read } from './place.ts';

const SBOM = 'application/vnd.example.sbom';
const SIGNATURE = 'application/vnd.example.signature';

beforeEach(() => {
  front.isOld = true;
});

afterEach(() => {
  front.isOld = false;
  front.reply = () => null;
});

const tagOf = ({ digest }: TestManifest) => digest.replace(':', '-');

/** How a list has an artifact. */
function entryOf(artifact: TestManifest) {
  const { artifactType, annotations } = JSON.parse(Buffer.from(artifact.bytes).toString());
  return { ...descriptorOf(artifact, artifact.mediaType), artifactType, annotations };
}

/** What the other registry has under the tag for lists of referrers. */
async function listOld(repository: string, subject: TestManifest) {
  const response = await call('GET', `/v2/${repository}/manifests/${tagOf(subject)}`);
  return response.ok ? JSON.parse(await response.text()) : null;
}

const byDigest = (entries: { digest: string }[]) =>
  entries.toSorted((one, other) => one.digest.localeCompare(other.digest));

/** Here: an image under "v1", an SBOM and a signature of it, and a signature of the SBOM. */
async function fill(name: string) {
  const repository = newRepository();
  const image = randomImage();
  const [sbom, signature] = [artifactOf(SBOM, image), artifactOf(SIGNATURE, image)];
  const nested = artifactOf(SIGNATURE, sbom);
  await push(repository, image, 'v1');
  for (const artifact of [sbom, signature, nested]) {
    await push(repository, artifact);
  }
  front.isOld = false;
  const id = await begin({ from: `${MIRROR}/${repository}`, to: `acme/${name}` });
  expect(await ended(id)).toMatchObject({ state: 'done', copied: 1 });
  front.isOld = true;
  return { image, sbom, signature, nested };
}

/** Pushes a repository of ours to the other registry. */
async function pushOut(name: string, to: string, options: object = {}) {
  const body = { from: `acme/${name}`, to: `${MIRROR}/${to}`, ...options };
  expect((await ask('PUT', `/replications/${name}`, body)).status).toBe(200);
  front.asked.length = 0;
  return ended((await ask('POST', `/replications/${name}/run`, {})).json.id);
}

const writes = () => front.asked.filter(({ method }) => method === 'PUT' || method === 'POST');

test('the lists have what each descriptor is to have; again nothing is written', async () => {
  const { image, sbom, signature, nested } = await fill('listed');
  const back = newRepository();
  expect(await pushOut('listed', back)).toMatchObject({ state: 'done', copied: 1, failed: 0 });
  const list = await listOld(back, image);
  expect(list).toMatchObject({ schemaVersion: 2, mediaType: OCI_INDEX });
  expect(list.manifests).toEqual(byDigest([entryOf(sbom), entryOf(signature)]));
  expect((await listOld(back, sbom)).manifests).toEqual([entryOf(nested)]);
  expect(await pushOut('listed', back)).toMatchObject({ copied: 0, present: 1 });
  expect(writes()).toEqual([]);
});

test('what others have listed stays, with all that it says, and nothing is listed twice', async () => {
  const { image, sbom, signature } = await fill('kept');
  const back = newRepository();
  const foreign = artifactOf(SBOM, image);
  for (const artifact of [foreign, sbom]) {
    await push(back, artifact);
  }
  const before = { annotations: { 'org.example.by': 'somebody' } };
  await push(back, indexOf([foreign, sbom], before), tagOf(image));
  expect(await pushOut('kept', back)).toMatchObject({ state: 'done', copied: 1 });
  expect(await listOld(back, image)).toEqual({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [
      descriptorOf(foreign, foreign.mediaType),
      descriptorOf(sbom, sbom.mediaType),
      entryOf(signature),
    ],
    ...before,
  });
});

test('a list that was not written, for the referrers were there, is written the next time', async () => {
  const { image, sbom, signature } = await fill('mended');
  const back = newRepository();
  await pushOut('mended', back);
  await call('DELETE', `/v2/${back}/manifests/${tagOf(image)}`);
  expect(await pushOut('mended', back)).toMatchObject({ state: 'done', present: 1 });
  expect((await listOld(back, image)).manifests).toEqual(
    byDigest([entryOf(sbom), entryOf(signature)]),
  );
});

test('a referrer that is copied by a tag of its own is listed too', async () => {
  const { image } = await fill('tagged');
  const repository = newRepository();
  const report = artifactOf(SBOM, image);
  await push(repository, report, 'report');
  await ended(await begin({ from: `${MIRROR}/${repository}`, to: 'acme/tagged' }));
  const back = newRepository();
  const only = { tags: ['report'], referrers: false };
  expect(await pushOut('tagged', back, only)).toMatchObject({ state: 'done', copied: 1 });
  expect((await listOld(back, image)).manifests).toEqual([entryOf(report)]);
});

test('a tag that names no list is left alone, and the failure says so', async () => {
  const { image } = await fill('taken');
  const back = newRepository();
  const other = randomImage();
  await push(back, other, tagOf(image));
  const { state, failures } = await pushOut('taken', back);
  expect(state).toBe('failed');
  expect(failures[0].reason).toContain(`lists no referrers under the tag ${tagOf(image)}`);
  const response = await call('HEAD', `/v2/${back}/manifests/${tagOf(image)}`);
  expect(response.headers.get('Docker-Content-Digest')).toBe(other.digest);
});

test('a registry that says OCI-Subject is trusted to list, and gets no tag', async () => {
  const { image } = await fill('kept-there');
  front.isOld = false;
  const back = newRepository();
  expect(await pushOut('kept-there', back)).toMatchObject({ state: 'done', copied: 1 });
  expect(await listOld(back, image)).toBeNull();
  expect(front.asked.filter(({ path }) => path.includes('/referrers/'))).toEqual([]);
});

test('there and back: a list is read, and pushed into one that has more', async () => {
  const repository = newRepository();
  const image = randomImage();
  const [sbom, foreign] = [artifactOf(SBOM, image), artifactOf(SIGNATURE, image)];
  await push(repository, image, 'v1');
  await push(repository, sbom);
  const list = indexOf([sbom]);
  await push(repository, list, tagOf(image));
  const id = await begin({ from: `${MIRROR}/${repository}`, to: 'acme/around' });
  expect(await ended(id)).toMatchObject({ state: 'done', copied: 2 });
  const referrers = await read(`/acme/around/referrers/${image.digest}`);
  expect(((await referrers.json()) as { manifests: unknown[] }).manifests).toEqual([entryOf(sbom)]);
  expect(await digestThere('acme/around', tagOf(image))).toBe(list.digest);

  const back = newRepository();
  await push(back, foreign);
  await push(back, indexOf([foreign]), tagOf(image));
  expect(await pushOut('around', back)).toMatchObject({ state: 'done', failed: 0 });
  const { manifests } = await listOld(back, image);
  expect(manifests.map(({ digest }: { digest: string }) => digest)).toEqual([
    foreign.digest,
    sbom.digest,
  ]);
  await pushOut('around', back);
  expect(writes()).toEqual([]);
});
