/** What the upstream said to a mirror with other settings counts no more. */
import { beforeEach, expect, test } from 'vitest';
import { call, expectError } from '../../support/client.ts';
import { artifactOf, descriptorOf, manifestOf, OCI_INDEX } from '../../support/images.ts';
import {
  expectBytes,
  getBlob,
  getManifest,
  image,
  layerOf,
  newMirror,
  pullImage,
  setMirror,
  upstream,
  usePlace,
} from './place.ts';
import { Upstream } from './upstream.ts';

usePlace();

const LONG = { missingMaxAge: 3600, tagMaxAge: 0 };

let other: Upstream; // another host

beforeEach(async () => {
  other = await Upstream.start();
  return () => other.stop();
});

test('another address is asked at once for what the first did not have', async () => {
  const wanted = image(1000);
  other.add('app', wanted, 'latest');
  const mirror = await newMirror(LONG);
  await expectError(await getManifest(`${mirror}/app`, 'latest'), 404, 'MANIFEST_UNKNOWN');
  await expectError(await getBlob(`${mirror}/app`, layerOf(wanted)), 404, 'BLOB_UNKNOWN');
  await setMirror(mirror, { url: other.url, ...LONG });
  await expectBytes(await getBlob(`${mirror}/app`, layerOf(wanted)), layerOf(wanted));
  await pullImage(`${mirror}/app`, wanted);
});

test('another login too', async () => {
  const wanted = image(1000);
  upstream.add('app', wanted, 'latest');
  upstream.script = ({ authorization }) => (authorization === null ? { status: 404 } : null);
  const mirror = await newMirror(LONG);
  await expectError(await getManifest(`${mirror}/app`, 'latest'), 404, 'MANIFEST_UNKNOWN');
  upstream.script = ({ authorization }) =>
    authorization === null
      ? { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } }
      : null;
  await setMirror(mirror, { username: 'somebody', password: 'a secret of theirs', ...LONG });
  await pullImage(`${mirror}/app`, wanted);
});

test('a tag that could not be refreshed is, at another address', async () => {
  const [first, second] = [image(1000), image(1000)];
  upstream.add('app', first, 'latest');
  other.add('app', second, 'latest');
  const mirror = await newMirror(LONG);
  await pullImage(`${mirror}/app`, first);
  upstream.script = () => ({ status: 500 });
  await expectBytes(await getManifest(`${mirror}/app`, 'latest'), first);
  await setMirror(mirror, { url: other.url, ...LONG });
  await expectBytes(await getManifest(`${mirror}/app`, 'latest'), second);
});

test('referrers are listed there', async () => {
  const subject = image(10);
  const artifact = artifactOf('text/x', subject);
  const list = manifestOf(
    {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [descriptorOf(artifact, artifact.mediaType)],
    },
    OCI_INDEX,
  );
  other.add('app', artifact);
  other.add('app', list, subject.digest.replace(':', '-'));
  const settings = { ...LONG, tagMaxAge: 3600 };
  const mirror = await newMirror(settings);
  const get = async () => {
    const response = await call('GET', `/v2/${mirror}/app/referrers/${subject.digest}`);
    return ((await response.json()) as { manifests: object[] }).manifests;
  };
  expect(await get()).toEqual([]);
  await setMirror(mirror, { url: other.url, ...settings });
  expect(await get()).toMatchObject([{ digest: artifact.digest }]);
});

test('a platform that was left out is fetched when it is let in', async () => {
  const child = image(1000);
  const platform = { os: 'linux', architecture: 'arm64' };
  const manifests = [{ ...descriptorOf(child, child.mediaType), platform }];
  const index = manifestOf({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX);
  upstream.add('app', index, 'latest');
  upstream.add('app', child);
  const mirror = await newMirror({ ...LONG, platforms: ['linux/amd64'] });
  await getManifest(`${mirror}/app`, 'latest');
  await expectError(await getManifest(`${mirror}/app`, child.digest), 404, 'MANIFEST_UNKNOWN');
  await setMirror(mirror, LONG);
  await pullImage(`${mirror}/app`, child, child.digest);
});
