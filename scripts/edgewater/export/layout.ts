import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';
import { z } from 'zod';
import { blobName, DESCRIPTOR, type Manifest, REFERENCE_NAME } from '../image/content.ts';
import { ImageFolder } from '../image/image-folder.ts';

const INDEX = z.looseObject({ manifests: z.array(DESCRIPTOR.loose()).default([]) });

const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

/** What stands in index.json. */
export interface LayoutEntry {
  manifest: Manifest;
  name: string | null; // a tag
}

/**
 * Writes manifests into an OCI layout whose blobs are there, and names some of them in its index.json,
 * beside others that the folder has from earlier.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export async function writeLayout(
  folder: string,
  manifests: readonly Manifest[],
  entries: readonly LayoutEntry[],
): Promise<void> {
  for (const { digest, bytes } of manifests) {
    await mkdir(join(folder, blobName(digest), '..'), { recursive: true });
    await writeFile(join(folder, blobName(digest)), bytes);
  }
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const named = entries.map(({ manifest, name }) => ({
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
    ...(name !== null && { annotations: { [REFERENCE_NAME]: name } }),
  }));
  const others = (await entriesOf(folder)).filter(({ digest, annotations }) =>
    named.every(
      (entry) =>
        entry.annotations?.[REFERENCE_NAME] !== annotations?.[REFERENCE_NAME] ||
        (annotations?.[REFERENCE_NAME] === undefined && entry.digest !== digest),
    ),
  );
  const index = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [...others, ...named] };
  const draft = join(folder, 'index.json.partial');
  await writeFile(draft, JSON.stringify(index));
  await rename(draft, join(folder, 'index.json'));
}

async function entriesOf(folder: string) {
  const layout = new ImageFolder(folder);
  return (await layout.size('index.json')) === null
    ? []
    : (await layout.readJson('index.json', INDEX)).manifests;
}

/** Makes a tar archive of a layout, the same bytes each time, and takes the folder away. */
export async function archiveLayout(folder: string, file: string): Promise<void> {
  const draft = `${file}.partial`;
  const inBlobs = await readdir(join(folder, 'blobs'), { recursive: true });
  const names = ['blobs', ...inBlobs.map((name) => join('blobs', name)).sort()];
  await create(
    {
      cwd: folder,
      file: draft,
      portable: true,
      mtime: new Date(0),
      strict: true,
      noDirRecurse: true,
    },
    ['oci-layout', 'index.json', ...names],
  );
  await rename(draft, file);
  await rm(folder, { recursive: true, force: true });
}
