/** Those who act on a registry, as programs over the store's own operations. */
import { collect } from '../../src/lifecycle/collect.ts';
import { reconcile } from '../../src/lifecycle/reconcile.ts';
import { restoreManifest } from '../../src/lifecycle/restore.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { RegistryError } from '../../src/oci/errors.ts';
import type { Tag } from '../../src/oci/reference.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import { ConstraintError } from '../../src/storage/metadata/database.ts';
import type { NewManifest } from '../../src/storage/metadata/store-manifest.ts';
import type { Actor, Notes } from './explorer.ts';
import { DAY, isUnavailable, LIFETIMES_OF_MODEL, type World } from './world.ts';

export const HERE = 'acme/here' as RepositoryName;
export const THERE = 'acme/there' as RepositoryName;
export const LATEST = 'latest' as Tag;

const ACTOR = { principal: 'alice', address: null };
const SESSION = DAY; // seconds, as uploads/upload-session.ts
const OVERDUE = 60 * 60; // seconds, as lifecycle/schedule.ts
const NO_BYTES = new Uint8Array();

/** A digest that is easy to read in a trace. */
export function named(name: string): Digest {
  return `sha256:${name}` as Digest;
}

export function image(name: string, fields: Partial<NewManifest> = {}): NewManifest {
  return {
    digest: named(name),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    size: 2,
    body: '{}',
    key: null,
    artifactType: null,
    subject: null,
    blobs: [named('layer')],
    externalBlobs: [],
    children: [],
    ...fields,
  };
}

/** Repeats what failed for want of an answer, as clients do. */
async function patiently<T>(request: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!isUnavailable(error)) {
        throw error;
      }
    }
  }
}

/** How the steps of an upload are done; the model is tried with others, which lose data. */
export interface UploadDesign {
  key(session: string, digest: Digest): string;
  commit: World['metadata']['uploads']['commit'];
}

export function designOf({ metadata }: World): UploadDesign {
  return {
    key: (session) => `blobs/${session}`,
    commit: (upload) => metadata.uploads.commit(upload),
  };
}

/** Opens a session, or, when the answer is lost, another: its id. */
async function announce(
  { metadata }: World,
  design: UploadDesign,
  session: string,
  repository: RepositoryName,
  digest: Digest,
): Promise<string> {
  for (let id = session; ; id = `${id}, again`) {
    try {
      await metadata.uploads.announce(id, repository, design.key(id, digest), SESSION);
      return id;
    } catch (error) {
      if (!isUnavailable(error)) {
        throw error;
      }
    }
  }
}

/** Uploads a blob as uploads/upload-session.ts does, and says until when it was promised to stay. */
export async function upload(
  world: World,
  design: UploadDesign,
  session: string,
  repository: RepositoryName,
  digest: Digest,
): Promise<number | null> {
  const { metadata, blobs, gate } = world;
  const id = await announce(world, design, session, repository, digest);
  const key = design.key(id, digest);
  await patiently(() => blobs.put(key, NO_BYTES, digest));
  const isCommitted = await patiently(async () => {
    const committed = await design.commit({ id, repository, digest, size: 1 });
    return committed || (await metadata.blobs.findAndLease(repository, digest)) !== null;
  });
  if (isCommitted) {
    return gate.at + LIFETIMES_OF_MODEL.lease / 2;
  }
  await patiently(() => metadata.uploads.abandon(id));
  return null;
}

/** Puts a manifest whose blobs were promised until `leased`. */
export async function putManifest(
  { metadata, database, gate }: World,
  notes: Notes,
  repository: RepositoryName,
  manifest: NewManifest,
  tags: readonly Tag[],
  leased: number,
): Promise<void> {
  try {
    await patiently(() => metadata.manifests.put(repository, manifest, tags, [], ACTOR));
  } catch (error) {
    if (!(error instanceof ConstraintError)) {
      throw error;
    }
    const wasDeleted = database.run(
      `SELECT 1 FROM audit WHERE event IN ('blob.delete', 'manifest.delete') AND repository = ?1`,
      repository,
    );
    if (gate.at < leased && wasDeleted.length === 0 && error.constraint === 'foreign key') {
      notes.breach = `${manifest.digest} is refused inside the lease of what it names`;
    }
  }
}

/** Asks for the layer by HEAD unless it is `blindly`, uploads it if need be, then puts the image. */
export function pusher(
  world: World,
  name: string,
  manifest: NewManifest,
  { blindly = false, tags = [LATEST], design = designOf(world), repository = HERE } = {},
): Actor {
  return {
    name,
    program: async (notes) => {
      const [digest = named('layer')] = manifest.blobs;
      const found =
        !blindly && (await patiently(() => world.metadata.blobs.findAndLease(repository, digest)));
      const leased = found
        ? world.gate.at + LIFETIMES_OF_MODEL.lease / 2
        : await upload(world, design, `session of ${name}`, repository, digest);
      if (leased !== null) {
        await putManifest(world, notes, repository, manifest, tags, leased);
      }
    },
  };
}

/** Uploads the layer and leaves it at that. */
export function uploader(world: World, name: string): Actor {
  return {
    name,
    program: async () => {
      await upload(world, designOf(world), `session of ${name}`, HERE, named('layer'));
    },
  };
}

/** Puts a manifest whose body is in R2. */
export function largePusher(world: World, name: string, manifest: NewManifest): Actor {
  const key = `manifests/${name}`;
  return {
    name,
    program: async () => {
      const { metadata, blobs } = world;
      await metadata.uploads.announce(key, HERE, key, SESSION);
      await blobs.put(key, NO_BYTES, manifest.digest);
      try {
        const large = { ...manifest, body: null, key };
        await metadata.manifests.put(HERE, large, [LATEST], [], ACTOR);
      } catch {
        await metadata.uploads.abandon(key);
      }
    },
  };
}

/** Mounts the layer into another repository and puts an image there. */
export function mounter(world: World, name: string, manifest: NewManifest): Actor {
  return {
    name,
    program: async (notes) => {
      const [digest = named('layer')] = manifest.blobs;
      const { metadata, gate } = world;
      if (await patiently(() => metadata.blobs.mount(THERE, digest, [HERE], ACTOR))) {
        const leased = gate.at + LIFETIMES_OF_MODEL.lease / 2;
        await putManifest(world, notes, THERE, manifest, [LATEST], leased);
      }
    },
  };
}

/** Asks for the children of an index by HEAD, then puts it. */
export function indexer(world: World, name: string, index: NewManifest): Actor {
  return {
    name,
    program: async (notes) => {
      const { metadata, gate } = world;
      const [child = index.digest] = index.children;
      if (await patiently(() => metadata.manifests.findAndLease(HERE, { digest: child }))) {
        const leased = gate.at + LIFETIMES_OF_MODEL.lease / 2;
        await putManifest(world, notes, HERE, index, [LATEST], leased);
      }
    },
  };
}

/** One request, of somebody who is told if it cannot be. */
export function once(name: string, request: () => Promise<unknown>): Actor {
  return {
    name,
    program: async () => {
      try {
        await patiently(request);
      } catch (error) {
        if (!(error instanceof ConstraintError)) {
          throw error;
        }
      }
    },
  };
}

export const deleter = ({ metadata }: World, digest: Digest): Actor =>
  once(`deleter of ${digest}`, () => metadata.manifests.delete(HERE, digest, ACTOR));

/** Restores the image as lifecycle/bring-back.ts does, with its tag. */
export const restorer = ({ stores }: World, digest: Digest): Actor =>
  once('restorer', () =>
    restoreManifest({ stores, repository: HERE, actor: ACTOR }, digest, true).catch((error) => {
      if (isUnavailable(error) || !(error instanceof RegistryError)) {
        throw error;
      }
    }),
  );

export const untagger = ({ metadata }: World, tag = LATEST): Actor =>
  once('untagger', () => metadata.tags.delete(HERE, tag, ACTOR));

export const unlinker = ({ metadata }: World): Actor =>
  once('unlinker', () => metadata.blobs.unlink(HERE, named('layer'), ACTOR));

/** What ends the session of a pusher: the alarm of its object, which an old instance may outlive. */
export const alarm = ({ metadata }: World, pusherName: string): Actor =>
  once(`alarm of ${pusherName}`, () => metadata.uploads.abandon(`session of ${pusherName}`));

/** A run of the clock that fails is not repeated: another comes. */
function run(name: string, work: () => Promise<unknown>, memory: number): Actor {
  return {
    name,
    memory,
    program: async () => {
      try {
        await work();
      } catch (error) {
        if (!isUnavailable(error)) {
          throw error;
        }
      }
    },
  };
}

/** Forgetting keys needs those that were due two calls before; nothing else needs more. */
export const collector = ({ stores }: World, name = 'collector'): Actor =>
  run(name, () => collect(stores), 2);

export const reconciler = ({ stores }: World): Actor =>
  run('reconciler', () => reconcile(stores), 4);

export const reaper = ({ metadata }: World): Actor =>
  run('reaper', () => metadata.uploads.abandonOverdue(OVERDUE), 0);
