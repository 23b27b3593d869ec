/** `edgewater push` of what docker save writes, before an edge with a limit. */
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { create } from 'tar';
import { describe, expect, test } from 'vitest';
import { expectPushed, folder, MEBIBYTE, push, repository } from './place.ts';
import { writeArchive } from './sources.ts';

describe('a docker archive', () => {
  test('has its layers compressed, the same each time', async () => {
    const { id } = await writeArchive(join(folder, 'archive'), 2.3 * MEBIBYTE);
    const file = join(folder, 'app.tar');
    await create({ cwd: join(folder, 'archive'), file }, ['.']);
    const first = await push([file, `${repository}:v1`]);
    const manifest = await expectPushed(first, 'v1');
    expect(manifest).toMatchObject({
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: { digest: id },
      layers: [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }],
    });
    const second = await push([file, `${repository}:v2`]);
    expect(second.stdout).toBe(first.stdout);
    expect(second.stderr).toContain('0 blobs sent, 2 were there');
  });

  test('of docker’s, by its name or without a daemon an explanation', async () => {
    await writeArchive(join(folder, 'archive'), 1000);
    const file = join(folder, 'app.tar');
    await create({ cwd: join(folder, 'archive'), file }, ['.']);
    const docker = join(folder, 'docker');
    await writeFile(
      docker,
      `#!/bin/sh\n[ "$*" = "save -- app:v1" ] && exec cat ${file}\n>&2 echo no\nexit 1\n`,
    );
    await chmod(docker, 0o755);
    await expectPushed(await push(['docker:app:v1', `${repository}:v1`]), 'v1');
    await expectPushed(await push(['app:v1', `${repository}:v2`]), 'v2');
    const unknown = await push(['other:v1', `${repository}:v3`]);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('"docker save other:v1" says: no');
  });

  test.each<[string, (tar: Buffer) => Buffer, RegExp]>([
    ['gzipped', gzipSync, /blobs sent/],
    ['gzipped, of another', () => gzipSync('other'), /the source is damaged: the layer sha256:/],
    ['gzipped, and cut', (tar) => gzipSync(tar).subarray(0, 900), /the source is damaged/],
    ['by zstd', zstdCompressSync, /zstd.*push an OCI layout/],
  ])('with layers that are compressed already: %s', async (_how, compress, message) => {
    const archive = join(folder, 'archive');
    await writeArchive(archive, 1000);
    const layer = join(archive, 'layer/layer.tar');
    await writeFile(layer, compress(await readFile(layer)));
    const file = join(folder, 'app.tar');
    await create({ cwd: archive, file }, ['.']);
    const run = await push([file, `${repository}:v1`]);
    expect(run.stderr).toMatch(message);
    expect(run.stderr).not.toContain('    at ');
    if (run.code === 0) {
      const { layers } = await expectPushed(run, 'v1');
      expect(layers).toMatchObject([{ mediaType: expect.stringMatching(/tar\.gzip$/) }]);
    }
    expect(run.code).toBe(compress === gzipSync ? 0 : 1);
  });

  test('with links: one inside is followed, one that leads out is refused', async () => {
    const archive = join(folder, 'archive');
    await writeArchive(archive, 1000);
    await mkdir(join(archive, 'same'));
    await symlink('../layer/layer.tar', join(archive, 'same/layer.tar'));
    const [entry] = JSON.parse(await readFile(join(archive, 'manifest.json'), 'utf8'));
    const file = join(folder, 'app.tar');
    for (const [link, code] of [
      ['same/layer.tar', 0],
      ['out', 1],
    ] as const) {
      await symlink('../../../../../../etc/passwd', join(archive, 'out')).catch(() => null);
      const manifest = [{ ...entry, Layers: [link] }];
      await writeFile(join(archive, 'manifest.json'), JSON.stringify(manifest));
      await create({ cwd: archive, file }, ['.']);
      const run = await push([file, `${repository}:v1`]);
      expect(run.code, run.stderr).toBe(code);
      expect(run.stderr).toContain(code === 0 ? 'blobs sent' : 'outside of it');
    }
  });
});
