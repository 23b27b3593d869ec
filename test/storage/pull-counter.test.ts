/** Pulls are counted in memory and written down in one statement, each once. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import worker from '../../src/index.ts';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import { Isolate } from '../../src/storage/isolate.ts';
import type { Stores } from '../../src/storage/stores.ts';
import { call, newRepository, push } from '../support/client.ts';
import { countDuring } from '../support/counting.ts';
import { failing, type Moment, withFaults } from '../support/faults.ts';
import { indexOf, randomImage } from '../support/images.ts';
import { newStores } from '../support/storage.ts';

const LONG = 3600; // seconds: nobody waits so long, so tests say themselves when to write

interface Pulls {
  count: number;
  age: number; // seconds
}

/** What is written down of a repository, by tag or digest. */
async function written(repository: string): Promise<Record<string, Pulls>> {
  const { results } = await env.DB.prepare(
    `SELECT reference, count, unixepoch() - last_pulled_at AS age FROM pulls
     JOIN repositories ON repositories.id = repository_id WHERE name = ?1`,
  )
    .bind(repository)
    .all<Pulls & { reference: string }>();
  return Object.fromEntries(results.map(({ reference, ...pulls }) => [reference, pulls]));
}

/** As {@link written}, the counts alone. */
async function counts(repository: string): Promise<Record<string, number>> {
  const entries = Object.entries(await written(repository));
  return Object.fromEntries(entries.map(([reference, { count }]) => [reference, count]));
}

/** An isolate of its own, which counts. */
function counting(isolate = new Isolate(), database = env.DB): Stores {
  return newStores(isolate, { pullInterval: LONG, database });
}

/** Counts pulls in it as the registry does. */
function pull(stores: Stores, repository: string, ...references: string[]): void {
  stores.pulls.count(parseRepositoryName(repository), references);
}

describe('what the front door counts', () => {
  const ask = async (method: string, repository: string, reference: string) => {
    const request = new Request(`http://registry.test/v2/${repository}/manifests/${reference}`, {
      method,
    });
    const response = await worker.fetch(request as never, {
      ...env,
      PULL_STATISTICS_INTERVAL: '1',
    });
    await response.arrayBuffer();
    return response;
  };

  test.each([
    ['docker and containerd', 'HEAD latest, GET digest', { latest: 1, digest: 1 }],
    ['podman and skopeo', 'GET latest', { latest: 1, digest: 1 }],
    ['by digest', 'GET digest', { digest: 1 }],
    ['a look at a digest', 'HEAD digest', {}],
    ['many times, from memory too', 'GET digest, GET digest, GET digest', { digest: 3 }],
    ['what is not there', 'GET missing', {}],
  ])('%s: %s', async (_who, requests, wanted) => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'latest');
    const marker = randomImage();
    await push(repository, marker, 'marker');
    for (const request of requests.split(', ')) {
      const [method = '', reference = ''] = request.split(' ');
      await ask(method, repository, reference === 'digest' ? image.digest : reference);
    }
    await ask('HEAD', repository, 'marker'); // is written with the others
    await expect.poll(() => counts(repository), { timeout: 10_000 }).toHaveProperty('marker');
    const { marker: _, [image.digest]: digest, ...tags } = await counts(repository);
    expect({ ...tags, ...(digest !== undefined && { digest }) }).toEqual(wanted);
  });
});

describe('a flush', () => {
  test('adds to what was written, with the time of the last pull', async () => {
    const repository = newRepository();
    await push(repository, randomImage(), 'latest');
    const isolate = new Isolate();
    const stores = counting(isolate);
    pull(stores, repository, 'latest');
    pull(stores, repository, 'latest');
    for (const unwritten of isolate.pulls.values()) {
      unwritten.lastAt -= 100_000;
    }
    await stores.pulls.flush();
    expect(await written(repository)).toMatchObject({ latest: { count: 2 } });
    expect((await written(repository)).latest?.age).toBeGreaterThanOrEqual(100);
    pull(stores, repository, 'latest');
    await stores.pulls.flush();
    expect(await written(repository)).toMatchObject({ latest: { count: 3 } });
    expect((await written(repository)).latest?.age).toBeLessThan(100);
  });

  test('is one query for everything, and none for nothing; a pull asks nothing', async () => {
    const repository = newRepository();
    const images = [randomImage(), randomImage()];
    for (const image of images) {
      await push(repository, image, image.digest.slice(7, 20));
    }
    const stores = counting();
    const pulls = () => {
      for (const { digest } of images) {
        pull(stores, repository, digest.slice(7, 20), digest);
      }
      return Promise.resolve();
    };
    expect(await countDuring(pulls)).toMatchObject({ d1Queries: 0, d1Batches: 0 });
    expect(await countDuring(() => stores.pulls.flush())).toMatchObject({ d1Queries: 1 });
    expect(Object.values(await counts(repository))).toEqual([1, 1, 1, 1]);
    expect(await countDuring(() => stores.pulls.flush())).toMatchObject({ d1Queries: 0 });
  });

  test('at the same time as others counts everything once', async () => {
    const repository = newRepository();
    await push(repository, randomImage(), 'latest');
    const isolate = new Isolate();
    pull(counting(isolate), repository, 'latest');
    await Promise.all([1, 2, 3].map(() => counting(isolate).pulls.flush()));
    await Promise.all(
      [1, 2, 3].map(() => {
        const other = counting();
        pull(other, repository, 'latest');
        return other.pulls.flush();
      }),
    );
    expect(await counts(repository)).toEqual({ latest: 4 });
  });

  test.each<[Moment, number]>([
    ['before', 2],
    ['after', 3], // the database has it and could not say so
  ])('that fails %s its effect loses nothing', async (moment, count) => {
    const repository = newRepository();
    await push(repository, randomImage(), 'latest');
    const isolate = new Isolate();
    const stores = counting(isolate, withFaults(env.DB, failing('all', moment)));
    pull(stores, repository, 'latest');
    await stores.pulls.flush();
    pull(stores, repository, 'latest');
    await stores.pulls.flush();
    expect(await counts(repository)).toEqual({ latest: count });
  });

  test('comes early when many tags and digests were pulled, and memory is bounded', async () => {
    const repository = newRepository();
    await push(repository, randomImage(), 'latest');
    const isolate = new Isolate();
    const stores = counting(isolate);
    pull(stores, repository, 'latest');
    for (let number = 0; number < 3000; number++) {
      pull(stores, repository, `tag-${number}`);
      expect(isolate.pulls.size).toBeLessThanOrEqual(1000);
    }
    await expect.poll(() => counts(repository)).toEqual({ latest: 1 });
  });
});

describe('what is not there any more', () => {
  test('is not written down', async () => {
    const repository = newRepository();
    const stores = counting();
    pull(stores, repository, 'latest', randomImage().digest);
    await push(repository, randomImage(), 'other');
    await stores.pulls.flush();
    expect(await counts(repository)).toEqual({});
  });

  test('is forgotten: tags with their manifest, children of an index not', async () => {
    const repository = newRepository();
    const child = randomImage();
    const index = indexOf([child]);
    await push(repository, child);
    await push(repository, index, 'latest');
    await push(repository, index, 'stable');
    const stores = counting();
    pull(stores, repository, 'latest', 'stable', index.digest, child.digest);
    await stores.pulls.flush();
    await call('DELETE', `/v2/${repository}/manifests/stable`);
    expect(Object.keys(await counts(repository)).sort()).toEqual(
      ['latest', index.digest, child.digest].sort(),
    );
    await call('DELETE', `/v2/${repository}/manifests/${index.digest}`);
    expect(await counts(repository)).toEqual({ [child.digest]: 1 });
  });
});
