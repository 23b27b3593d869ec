/** `edgewater push` of OCI layouts, before an edge with a limit. */
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';
import { describe, expect, test } from 'vitest';
import { indexOf, manifestOf, randomImage } from '../../support/images.ts';
import { expectPushed, folder, get, largeImage, push, repository } from './place.ts';
import { blobFile, writeLayout } from './sources.ts';

describe('an OCI layout', () => {
  test('in a folder, with a layer above the limit; again there is nothing to send', async () => {
    const image = largeImage();
    await writeLayout(join(folder, 'layout'), [image]);
    const first = await push([join(folder, 'layout'), `${repository}:v1`]);
    await expectPushed(first, 'v1');
    expect(first.stdout).toBe(`${image.digest}\n`);
    expect(first.stderr).toContain('2 blobs sent, 0 were there');
    const second = await push([join(folder, 'layout'), `${repository}:v2`]);
    expect(second.stderr).toContain('0 blobs sent, 2 were there');
    await expectPushed(second, 'v2');
  });

  test('in an archive, gzipped, with --json', async () => {
    const image = largeImage();
    await writeLayout(join(folder, 'layout'), [image]);
    const file = join(folder, 'layout.tar.gz');
    await create({ cwd: join(folder, 'layout'), file, gzip: true }, ['.']);
    const { code, stdout, stderr } = await push([file, repository, '--json']);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      repository,
      tag: 'latest',
      digest: image.digest,
      blobs: { sent: 2, present: 0 },
      missing: [],
    });
  });

  test('with an index: what is named before what names it', async () => {
    const children = [randomImage(), largeImage()];
    const index = indexOf(children);
    await writeLayout(join(folder, 'layout'), [index, ...children]);
    const run = await push([join(folder, 'layout'), `${repository}:v1`]);
    await expectPushed(run, 'v1');
    for (const { digest } of children) {
      expect((await get(`manifests/${digest}`)).status).toBe(200);
    }
  });

  test('with an index of which a part is missing: says which, and the registry decides', async () => {
    const children = [randomImage(), randomImage()];
    const index = indexOf(children);
    await writeLayout(join(folder, 'layout'), [index, ...children]);
    const [gone, there] = children;
    const [blob] = gone?.blobs ?? [];
    await rm(blobFile(join(folder, 'layout'), blob?.digest ?? ''));
    const run = await push([join(folder, 'layout'), `${repository}:v1`]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`the index names ${gone?.digest}, which the source does not have`);
    expect(run.stderr).toContain(`manifest ${index.digest}: `);
    expect((await get(`manifests/${there?.digest}`)).status).toBe(200);
    expect((await get('manifests/v1')).status).toBe(404);
  });

  test('with indexes that name each other many times: each is read once', async () => {
    let index = randomImage();
    const all = [index];
    for (let depth = 0; depth < 7; depth += 1) {
      index = indexOf(Array.from({ length: 40 }, () => index));
      all.unshift(index);
    }
    await writeLayout(join(folder, 'layout'), all);
    await expectPushed(await push([join(folder, 'layout'), `${repository}:v1`]), 'v1');
  }, 15_000);

  test('in a folder with links: one inside is followed, one that leads out is refused', async () => {
    const image = largeImage();
    const layout = join(folder, 'layout');
    await writeLayout(layout, [image]);
    const [, layer] = image.blobs;
    const file = blobFile(layout, layer?.digest ?? '');
    for (const [place, code] of [
      [join(layout, 'moved'), 0],
      [join(folder, 'outside'), 1],
    ] as const) {
      await writeFile(place, layer?.bytes ?? '');
      await rm(file);
      await symlink(place, file);
      const run = await push([layout, `${repository}:v${code}`]);
      expect(run.code, run.stderr).toBe(code);
      expect(run.stderr).toContain(code === 0 ? 'blobs sent' : 'outside of it');
    }
  });

  test('that is damaged does not get its manifest there', async () => {
    const image = largeImage();
    await writeLayout(join(folder, 'layout'), [image]);
    const [, layer] = image.blobs;
    const file = blobFile(join(folder, 'layout'), layer?.digest ?? '');
    const bytes = await readFile(file);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(file, bytes);
    const run = await push([join(folder, 'layout'), `${repository}:v1`]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('the source is damaged');
    expect((await get('manifests/v1')).status).toBe(404);
  });

  test.each(['../../etc/passwd', 'sha256:../../../etc/passwd'])(
    'that names %s is refused',
    async (digest) => {
      const image = manifestOf({ schemaVersion: 2, layers: [{ digest, size: 1 }] });
      await writeLayout(join(folder, 'layout'), [image]);
      const run = await push([join(folder, 'layout'), `${repository}:v1`]);
      expect(run.code).toBe(1);
      expect(run.stderr).toContain('no digest that is understood');
    },
  );
});
