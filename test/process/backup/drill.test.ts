/**
 * The drill: a registry is saved while clients push, delete and move tags, it is lost, and another is made
 * of what was saved. DRILL_SECONDS and DRILL_IMAGES make it longer.
 */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bytesOf, call, push } from '../../support/client.ts';
import {
  descriptorOf,
  indexOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  randomImage,
  type TestBlob,
  type TestManifest,
} from '../../support/images.ts';
import { basic, Place } from './place.ts';

const LOAD_SECONDS = Number(process.env.DRILL_SECONDS ?? 2);
const IMAGES = Number(process.env.DRILL_IMAGES ?? 8);

const MINUTES = 60_000 + LOAD_SECONDS * 4000 + IMAGES * 500; // milliseconds

/** What was acknowledged before the backup, and that nobody touches: by repository and tag. */
interface Kept {
  repository: string;
  tag: string;
  manifest: TestManifest;
}

interface Secrets {
  alice: string;
  robot: string;
}

const PASSWORD = 'a password of alice';

let place: Place;

beforeEach(async () => {
  place = await Place.make();
  await place.start('first');
});

afterEach(() => place.remove());

/** Images, an index, a manifest above 1 MB, a layer of several parts, and who may have them. */
async function fill(): Promise<{ kept: Kept[]; secrets: Secrets }> {
  await place.api('POST', '/namespaces', { name: 'acme' });
  await place.api('POST', '/users', { name: 'alice', password: PASSWORD });
  await place.api('PUT', '/namespaces/acme/members/alice', { role: 'reader' });
  const robot = await place.api('POST', '/namespaces/acme/robots', {
    name: 'ci',
    role: 'developer',
  });
  const kept: Kept[] = [];
  const keep = async (repository: string, tag: string, manifest: TestManifest) => {
    await push(repository, manifest, tag);
    kept.push({ repository, tag, manifest });
  };
  for (let number = 0; number < IMAGES; number++) {
    await keep(`acme/app-${number % 5}`, `v${number}`, randomImage());
  }
  const children = [randomImage(), randomImage()];
  for (const child of children) {
    await keep('acme/multi', child.digest.slice(7, 20), child);
  }
  const index = indexOf(children);
  await keep('acme/multi', 'latest', index);
  await keep('acme/multi', 'nested', indexOf([index]));
  await keep('acme/large', 'manifest', randomImage({ annotations: { x: 'y'.repeat(1_500_000) } }));
  await keep('acme/large', 'layer', imageOf(randomBlob(20 * 2 ** 20)));
  return { kept, secrets: { alice: PASSWORD, robot: String(robot.secret) } };
}

function imageOf(layer: TestBlob): TestManifest {
  const config = randomBlob(200);
  return manifestOf(
    {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: descriptorOf(config, OCI_CONFIG),
      layers: [descriptorOf(layer)],
    },
    OCI_MANIFEST,
    [config, layer],
  );
}

/** Clients that push, move tags and delete, until they are told to stop. */
function load(): { stop: () => Promise<number> } {
  let isOver = false;
  let count = 0;
  const client = async (name: string) => {
    const repository = `load/${name}`;
    for (let number = 0; !isOver; number++) {
      const image = randomImage();
      await push(repository, image, `t${number % 3}`);
      await push(repository, image, 'latest');
      if (number % 2 === 1) {
        await call('DELETE', `/v2/${repository}/manifests/${image.digest}`);
      }
      count += 1;
    }
  };
  const clients = ['a', 'b', 'c'].map(client);
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(clients);
      return count;
    },
  };
}

async function expectAll(kept: readonly Kept[], { alice, robot }: Secrets): Promise<void> {
  for (const { repository, tag, manifest } of kept) {
    const read = await call('GET', `/v2/${repository}/manifests/${tag}`);
    expect(read.status, `${repository}:${tag}`).toBe(200);
    expect(read.headers.get('Content-Type')).toBe(manifest.mediaType);
    expect(Buffer.compare(await bytesOf(read), manifest.bytes), `${repository}:${tag}`).toBe(0);
    for (const blob of manifest.blobs) {
      const response = await call('GET', `/v2/${repository}/blobs/${blob.digest}`);
      expect(Buffer.compare(await bytesOf(response), blob.bytes), blob.digest).toBe(0);
    }
  }
  for (const [name, secret] of [
    ['alice', alice],
    ['acme+ci', robot],
  ] as const) {
    const response = await fetch(`${place.url}/v2/acme/multi/manifests/latest`, {
      headers: { Authorization: basic(name, secret) },
    });
    expect(response.status, name).toBe(200);
    await response.arrayBuffer();
  }
}

const seconds = (count: number) => new Promise((done) => setTimeout(done, count * 1000));

test(
  'saved under load with all bytes, everything lost, restored',
  async () => {
    const { kept, secrets } = await fill();
    const clients = load();
    await seconds(LOAD_SECONDS / 2);
    const saving = place.json('backup', place.path('saved'), '--blobs', '--quiet');
    const [saved] = await Promise.all([saving, seconds(LOAD_SECONDS / 2)]);
    expect(await clients.stop()).toBeGreaterThan(0);
    expect(saved).toMatchObject({ lost: [], blobs: { failed: [] } });

    await place.start('second');
    const restored = await place.json<{
      verification: { wrong: string[] };
      missingBlobs: string[];
    }>('restore', place.path('saved'), '--quiet');
    expect(restored.missingBlobs).toEqual([]);
    // A tag that was read before its manifest was deleted is left out.
    const { wrong } = restored.verification;
    expect(wrong.filter((tag) => !tag.startsWith('load/'))).toEqual([]);
    await expectAll(kept, secrets);
    const again = await place.run('restore', place.path('saved'), '--quiet');
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr + again.stdout).toContain('was restored before');
  },
  MINUTES,
);

test(
  'the database lost and the bucket kept: restored from the nightly copy',
  async () => {
    const { kept, secrets } = await fill();
    const { copy } = await place.json<{ copy: string }>('copy', 'make');
    await place.stop();
    await cp(join(place.path('first'), 'r2'), join(place.path('second'), 'r2'), {
      recursive: true,
    });
    await place.start('second');
    const restored = await place.json<{ verification: object }>(
      'restore',
      '--copy',
      copy,
      '--quiet',
    );
    expect(restored).toMatchObject({ missingBlobs: [], verification: { wrong: [] } });
    await expectAll(kept, secrets);
  },
  MINUTES,
);
