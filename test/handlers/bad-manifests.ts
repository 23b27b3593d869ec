/** Manifests that are no manifests, or hardly: the table of reliability tests. */
import {
  descriptorOf,
  emptyBlob,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  randomDigest,
} from '../support/images.ts';

interface BadManifest {
  title: string;
  statuses: readonly number[];
  headers: Record<string, string>;
  body: () => string;
}

const config = descriptorOf(emptyBlob, OCI_CONFIG);
const layer = descriptorOf(emptyBlob);
const good = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] };
const goodText = JSON.stringify(good);
const REFUSED = [400];
const MEBI = 2 ** 20;

const row = (
  title: string,
  statuses: readonly number[],
  body: string | (() => string),
  contentType: string | null = OCI_MANIFEST,
): BadManifest => ({
  title,
  statuses,
  headers: contentType === null ? {} : { 'Content-Type': contentType },
  body: typeof body === 'string' ? () => body : body,
});

const json = (
  title: string,
  statuses: readonly number[],
  fields: Record<string, unknown>,
  contentType: string | null = OCI_MANIFEST,
) => row(title, statuses, () => JSON.stringify({ ...good, ...fields }), contentType);

const missingLayers = (count: number) => () =>
  JSON.stringify({
    ...good,
    layers: Array.from({ length: count }, () => ({
      mediaType: 'a',
      digest: randomDigest(),
      size: 1,
    })),
  });

const missingChildren = (count: number) => () =>
  JSON.stringify({
    schemaVersion: 2,
    manifests: Array.from({ length: count }, () => ({
      mediaType: OCI_MANIFEST,
      digest: randomDigest(),
      size: 1,
    })),
  });

/** The repository has the blob `{}`, which the good ones name. */
export const BAD_MANIFESTS: readonly BadManifest[] = [
  row('without Content-Type and with a mediaType', [201, 400], goodText, null),
  json('without Content-Type and mediaType', REFUSED, { mediaType: undefined }, null),
  json('with an unknown Content-Type', REFUSED, { mediaType: undefined }, 'application/json'),
  json('with a Content-Type that is none', REFUSED, { mediaType: undefined }, ';;; ,'),
  row(
    'of schema 1',
    REFUSED,
    '{"schemaVersion":1}',
    'application/vnd.docker.distribution.manifest.v1+json',
  ),
  row('with the Content-Type of an index', REFUSED, goodText, OCI_INDEX),
  row(
    'an index with the Content-Type of a manifest',
    REFUSED,
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }),
  ),
  row('empty', REFUSED, ''),
  row('only white space', REFUSED, ' \n'),
  row('after a byte order mark', REFUSED, `\ufeff${goodText}`),
  row('before trailing garbage', REFUSED, `${goodText}x`),
  row('twice', REFUSED, goodText + goodText),
  row('before white space', [201], `${goodText}\n\t `),
  row('an array', REFUSED, `[${goodText}]`),
  row('a string', REFUSED, '"manifest"'),
  row('null', REFUSED, 'null'),
  row('cut off', REFUSED, goodText.slice(0, -5)),
  json('an image and an index', REFUSED, { manifests: [] }),
  json('schemaVersion 1', REFUSED, { schemaVersion: 1 }),
  json('schemaVersion "2"', REFUSED, { schemaVersion: '2' }),
  json('no schemaVersion', REFUSED, { schemaVersion: undefined }),
  row('schemaVersion twice', [201, 400], goodText.replace('{', '{"schemaVersion":1,')),
  row('mediaType twice', [201, 400], goodText.replace('{', `{"mediaType":"${OCI_INDEX}",`)),
  json('mediaType a number', REFUSED, { mediaType: 5 }),
  row('nested 100,000 deep', [201, 400], () =>
    goodText.replace('{', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},`),
  ),
  row('above 4 MiB', [413], () => goodText.replace('{', `{"a":"${'x'.repeat(4 * MEBI)}",`)),
  row('far above 4 MiB', [413], () => 'x'.repeat(9 * MEBI)),
  json('a missing layer', REFUSED, { layers: [{ ...layer, digest: randomDigest() }] }),
  json('a missing config', REFUSED, { config: { ...config, digest: randomDigest() } }),
  json('no config', REFUSED, { config: undefined }),
  json('config null', REFUSED, { config: null }),
  json('config a list', REFUSED, { config: [] }),
  json('layers null', REFUSED, { layers: null }),
  json('layers an object', REFUSED, { layers: {} }),
  json('a layer that is null', REFUSED, { layers: [null] }),
  json('a layer of size -1', REFUSED, { layers: [{ ...layer, size: -1 }] }),
  json('a layer of size 1.5', REFUSED, { layers: [{ ...layer, size: 1.5 }] }),
  json('a layer of size "1"', REFUSED, { layers: [{ ...layer, size: '1' }] }),
  json('a layer of size 2^53 + 1', REFUSED, { layers: [{ ...layer, size: 2 ** 54 }] }),
  row(
    'a layer of size 2^63',
    REFUSED,
    goodText.replaceAll('"size":2', '"size":9223372036854775808'),
  ),
  row('a layer of size 1e400', REFUSED, goodText.replaceAll('"size":2', '"size":1e400')),
  json('a layer with a broken digest', REFUSED, { layers: [{ ...layer, digest: 'sha256:zz' }] }),
  json('a layer without a digest', REFUSED, { layers: [{ ...layer, digest: undefined }] }),
  json('a layer without a mediaType', REFUSED, { layers: [{ ...layer, mediaType: undefined }] }),
  json('a layer whose urls are no list', REFUSED, { layers: [{ ...layer, urls: 'x' }] }),
  json('a subject with a broken digest', REFUSED, { subject: { ...layer, digest: 'latest' } }),
  json('a subject that is a string', REFUSED, { subject: 'x' }),
  json('a subject that is not there', [201], { subject: { ...layer, digest: randomDigest() } }),
  json('annotations of 1 MB', [201], { annotations: { a: 'x'.repeat(MEBI) } }),
  json('annotations that are numbers', REFUSED, { annotations: { a: 1 } }),
  json('annotations that are a list', REFUSED, { annotations: ['a'] }),
  json('an artifactType that is a number', REFUSED, { artifactType: 1 }),
  json('an artifactType of 900 kB in 900 kB', [201, 400, 413], {
    artifactType: `a/${'x'.repeat(900_000)}`,
  }),
  json('an artifactType of 3 MB', [201, 400, 413], { artifactType: `a/${'x'.repeat(3_000_000)}` }),
  json('a config mediaType of 3 MB', [201, 400, 413], {
    config: { ...config, mediaType: `a/${'x'.repeat(3_000_000)}` },
  }),
  json('10,000 layers, all the same', [201], {
    layers: Array.from({ length: 10_000 }, () => layer),
  }),
  row('10,000 missing layers', REFUSED, missingLayers(10_000)),
  row('35,000 missing layers', REFUSED, missingLayers(35_000)),
  row('20,000 missing children', REFUSED, missingChildren(20_000), OCI_INDEX),
  row('an empty index', [201], JSON.stringify({ schemaVersion: 2, manifests: [] }), OCI_INDEX),
  row(
    'a child that is a layer',
    [201],
    JSON.stringify({ schemaVersion: 2, manifests: [descriptorOf(emptyBlob, OCI_LAYER)] }),
    OCI_INDEX,
  ),
  row(
    'a child that is a blob under a manifest type',
    REFUSED,
    JSON.stringify({ schemaVersion: 2, manifests: [descriptorOf(emptyBlob, OCI_MANIFEST)] }),
    OCI_INDEX,
  ),
  row('a __proto__ key', [201], goodText.replace('{', '{"__proto__":{"layers":[],"subject":5},')),
  row(
    'lone surrogates',
    [201, 400],
    goodText.replace('{', '{"artifactType":"\\ud800","annotations":{"\\udfff":"\\ud800"},'),
  ),
  row(
    'NUL in strings',
    [201, 400],
    goodText.replace('{', '{"artifactType":"a\\u0000b","annotations":{"a\\u0000":"\\u0000"},'),
  ),
];
