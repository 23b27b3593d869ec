import type { RepositoryName } from '../oci/repository-name.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import type { Stores } from '../storage/stores.ts';
import { Blobs } from './blobs.ts';
import { Manifests } from './manifests.ts';
import { Referrers } from './referrers.ts';
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

/** The registry: its repositories, over the stores that hold them. */
export class Registry {
  readonly repositories: Repositories;
  readonly #stores: Stores;
  readonly #sessions: UploadSessions;

  constructor(stores: Stores, sessions: UploadSessions) {
    this.repositories = new Repositories(stores.metadata);
    this.#stores = stores;
    this.#sessions = sessions;
  }

  /** The view that somebody has of one repository, which need not exist yet. */
  repository(name: RepositoryName, actor: Actor): Repository {
    return {
      name,
      blobs: new Blobs(name, this.#stores, actor),
      uploads: new Uploads(name, this.#sessions),
      manifests: new Manifests(name, this.#stores, actor),
      tags: new Tags(name, this.#stores.metadata),
      referrers: new Referrers(name, this.#stores),
    };
  }
}
