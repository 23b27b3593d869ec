/** Blobs that another repository of a mirror has: who may read one repository need not see the other. */
import { expect, test } from 'vitest';
import { expectError } from '../../support/client.ts';
import {
  descriptorOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  type TestBlob,
  type TestDescriptor,
} from '../../support/images.ts';
import {
  expectBytes,
  getBlob,
  image,
  layerOf,
  newMirror,
  pullImage,
  upstream,
  usePlace,
} from './place.ts';

usePlace();

const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';

/** A mirror with a repository "private", and another whose manifest names a layer of that. */
async function given(layerAs: (layer: TestBlob) => TestDescriptor) {
  const secret = image(1000);
  upstream.add('private', secret, 'latest');
  const mirror = await newMirror({ missingMaxAge: 0 });
  await pullImage(`${mirror}/private`, secret);
  const config = randomBlob(200);
  const body = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config, OCI_CONFIG),
    layers: [layerAs(layerOf(secret))],
  };
  const manifest = manifestOf(body, OCI_MANIFEST, [config]);
  upstream.add('other', manifest, 'latest');
  await pullImage(`${mirror}/other`, manifest);
  return { other: `${mirror}/other`, layer: layerOf(secret), before: upstream.seen.length };
}

test.each<[string, (layer: TestBlob) => TestDescriptor]>([
  ['as a layer of its own', descriptorOf],
  ['as one that registries need not hold', (layer) => descriptorOf(layer, FOREIGN)],
  [
    'as one that is elsewhere',
    (layer) => ({ ...descriptorOf(layer), urls: ['https://example.com/x'] }),
  ],
])('a manifest that names one %s, which the upstream does not have there: 404', async (_, as) => {
  const { other, layer, before } = await given(as);
  await expectError(await getBlob(other, layer), 404, 'BLOB_UNKNOWN');
  expect(upstream.asked().slice(before)).toHaveLength(1);
});

test('one that the upstream has there too costs a HEAD', async () => {
  const { other, layer, before } = await given(descriptorOf);
  upstream.addBlob('other', layer);
  await expectBytes(await getBlob(other, layer), layer);
  await expectBytes(await getBlob(other, layer), layer);
  expect(upstream.asked().slice(before)).toEqual([`HEAD /v2/other/blobs/${layer.digest}`]);
});

test('nobody gets it while the upstream cannot tell', async () => {
  const { other, layer } = await given(descriptorOf);
  await upstream.stop();
  await expectError(await getBlob(other, layer), 503, 'UNAVAILABLE');
});

test('an upstream that takes no HEAD is asked for the blob', async () => {
  const { other, layer, before } = await given(descriptorOf);
  upstream.addBlob('other', layer);
  upstream.script = ({ method }) => (method === 'HEAD' ? { status: 405 } : null);
  await expectBytes(await getBlob(other, layer), layer);
  expect(upstream.asked().slice(before)).toHaveLength(2);
});

test('a layer that registries need not hold is fetched once where the upstream has it', async () => {
  const { other, layer, before } = await given((layer) => descriptorOf(layer, FOREIGN));
  upstream.addBlob('other', layer);
  await expectBytes(await getBlob(other, layer), layer);
  await expectBytes(await getBlob(other, layer), layer);
  expect(upstream.asked().slice(before)).toEqual([`GET /v2/other/blobs/${layer.digest}`]);
});
