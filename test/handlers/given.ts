/** What the call tables of this folder find in the registry. */
import { call, pushBlob, pushManifest, startUpload } from '../support/client.ts';
import { artifactOf, blobOf, descriptorOf, manifestOf, OCI_CONFIG } from '../support/images.ts';

export const blob = blobOf(new TextEncoder().encode('hello world'));
export const image = manifestOf({
  schemaVersion: 2,
  config: descriptorOf(blob, OCI_CONFIG),
  layers: [],
});
export const text = new TextDecoder().decode(image.bytes);
const absent = `sha256:${'0'.repeat(64)}`;
export const artifact = artifactOf('application/vnd.example', image, { note: 'x' });

/** What the rows call `{blob}` and so on. */
export const given: Record<string, string> = {
  blob: blob.digest,
  image: image.digest,
  absent,
  text,
};

/** Pushes it all; for `beforeAll`. */
export async function prepare(): Promise<void> {
  await pushBlob('some/where', blob);
  await pushManifest('some/where', image, 'v1');
  await pushManifest('some/where', image, 'v2');
  await pushBlob('some/thing-else', blob);
  for (const empty of artifact.blobs) {
    await pushBlob('some/where', empty);
  }
  await pushManifest('some/where', artifact);
  given.upload = await startUpload('some/where');
  given.partial = await startUpload('some/where');
  await call('PATCH', given.partial, { body: 'hello ' });
}
