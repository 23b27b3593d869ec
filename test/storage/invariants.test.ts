/** The database refuses what would break an invariant, whoever asks; and nothing is left over. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { newRepository, push } from '../support/client.ts';
import { indexOf, randomImage } from '../support/images.ts';
import { query } from '../support/storage.ts';

const repository = newRepository();
const image = randomImage();
const index = indexOf([image]);

beforeAll(async () => {
  await push(repository, image, 'image');
  await push(repository, index, 'index');
});

describe('foreign keys', () => {
  test.each([
    [
      'a blob that a repository links',
      `DELETE FROM blobs WHERE digest = '${image.blobs[0]?.digest}'`,
    ],
    [
      'a link that a manifest needs',
      `DELETE FROM repository_blobs WHERE digest = '${image.blobs[0]?.digest}'`,
    ],
    ['a manifest that an index names', `DELETE FROM manifests WHERE digest = '${image.digest}'`],
    ['a manifest that a tag names', `DELETE FROM manifests WHERE digest = '${index.digest}'`],
    ['a repository with content', `DELETE FROM repositories WHERE name = '${repository}'`],
    [
      'a tag for nothing',
      "INSERT INTO tags (repository_id, name, digest) SELECT id, 'x', 'sha256:0' FROM repositories",
    ],
    [
      'a link to nothing',
      "INSERT INTO repository_blobs SELECT id, 'sha256:0', 0, 0 FROM repositories",
    ],
    [
      'a manifest that names nothing',
      `INSERT INTO manifest_blobs SELECT repository_id, digest, 'sha256:0' FROM manifests WHERE digest = '${image.digest}'`,
    ],
    [
      'an index that names nothing',
      `INSERT INTO manifest_children SELECT repository_id, digest, 'sha256:0' FROM manifests WHERE digest = '${index.digest}'`,
    ],
  ])('refuse to delete or make %s', async (_what, sql) => {
    await expect(env.DB.prepare(sql).run()).rejects.toThrow(/FOREIGN KEY constraint failed/);
  });

  test('a manifest that goes takes along what it named', async () => {
    const own = newRepository();
    const other = randomImage();
    await push(own, other);
    await env.DB.prepare('DELETE FROM manifests WHERE digest = ?1').bind(other.digest).run();
    const left = await query(
      'SELECT blob_digest FROM manifest_blobs WHERE manifest_digest = ?1',
      other.digest,
    );
    expect(left).toEqual([]);
  });
});

describe('checks', () => {
  const columns = 'repository_id, digest, media_type, size, body, r2_key';
  test.each([
    [
      'a manifest with its bytes nowhere',
      `INSERT INTO manifests (${columns}) SELECT id, 'd', 'm', 1, NULL, NULL FROM repositories`,
      /CHECK/,
    ],
    [
      'a manifest with its bytes twice',
      `INSERT INTO manifests (${columns}) SELECT id, 'd', 'm', 1, 'b', 'k' FROM repositories`,
      /CHECK/,
    ],
    [
      'two blobs in one object',
      "INSERT INTO blobs (digest, r2_key, size) SELECT digest || 'x', r2_key, 1 FROM blobs",
      /UNIQUE/,
    ],
    [
      'two uploads to one object',
      "INSERT INTO uploads (id, repository, r2_key, expires_at) VALUES ('a', 'r', 'k', 0), ('b', 'r', 'k', 0)",
      /UNIQUE/,
    ],
    [
      'a review of something else',
      "INSERT INTO collection_queue (repository_id, kind, digest, review_after) SELECT id, 'tag', 'd', 0 FROM repositories",
      /CHECK/,
    ],
  ])('refuse %s', async (_what, sql, reason) => {
    await expect(env.DB.prepare(sql).run()).rejects.toThrow(reason);
  });
});

describe('guard', () => {
  const write = env.DB.prepare(
    "INSERT INTO repositories (name, namespace) VALUES ('guarded', 'guarded')",
  );

  test.each(['false', '0', "EXISTS (SELECT 1 FROM repositories WHERE name = 'nobody')"])(
    'rolls the whole batch back when %s',
    async (condition) => {
      const guard = env.DB.prepare(`INSERT INTO guard SELECT ${condition}`);
      await expect(env.DB.batch([write, guard])).rejects.toThrow(/guard failed/);
      expect(await query("SELECT name FROM repositories WHERE name = 'guarded'")).toEqual([]);
    },
  );

  test('lets the batch pass when its condition holds', async () => {
    await env.DB.batch([env.DB.prepare('INSERT INTO guard SELECT true'), write]);
    expect(await query("SELECT name FROM repositories WHERE name = 'guarded'")).toEqual([
      'guarded',
    ]);
  });
});
