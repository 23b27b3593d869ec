import type { RepositoryName } from '../oci/repository-name.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import type { Stores } from '../storage/stores.ts';
import type { Blobs } from './blobs.ts';
import type { Manifests } from './manifests.ts';
import { MirrorFetches, type MirrorFetchObjects } from './mirror-fetches.ts';
import { MirrorNames } from './mirror-names.ts';
import { MirroredBlobs } from './mirrored-blobs.ts';
import { MirroredManifests } from './mirrored-manifests.ts';
import { MirroredReferrers } from './mirrored-referrers.ts';
import type { Referrers } from './referrers.ts';
import { Repositories } from './repositories.ts';
import { Tags } from './tags.ts';
import { type UploadSessions, Uploads } from './uploads.ts';

/** What one repository offers. */
export interface Repository {
  readonly name: RepositoryName;
  readonly blobs: Blobs;
  readonly uploads: Uploads;
  readonly manifests: Manifests;
  readonly tags: Tags;
  readonly referrers: Referrers;
}

/** What a registry is made of. */
export interface RegistryOptions {
  stores: Stores;
  sessions: UploadSessions;
  fetches: MirrorFetchObjects;
  defaultMirror: string | null; // the namespace that names without one of ours are looked for in
}

/** The registry: its repositories, over the stores that hold them. */
export class Registry {
  readonly repositories: Repositories;
  readonly names: MirrorNames;
  readonly #stores: Stores;
  readonly #sessions: UploadSessions;
  readonly #fetches: MirrorFetchObjects;

  constructor(options: RegistryOptions) {
    const { stores, sessions, fetches, defaultMirror } = options;
    this.repositories = new Repositories(stores.metadata);
    this.#stores = stores;
    this.#sessions = sessions;
    this.#fetches = fetches;
    this.names = new MirrorNames(stores.mirrors, defaultMirror);
  }

  /** The view that somebody has of one repository, which need not exist yet. */
  repository(name: RepositoryName, actor: Actor): Repository {
    const stores = this.#stores;
    const fetches = new MirrorFetches(name, this.#fetches);
    return {
      name,
      blobs: new MirroredBlobs(name, stores, actor, fetches),
      uploads: new Uploads(name, this.#sessions),
      manifests: new MirroredManifests(name, stores, actor, fetches),
      tags: new Tags(name, stores.metadata),
      referrers: new MirroredReferrers(name, stores, fetches),
    };
  }
}
