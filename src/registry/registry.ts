import type { RepositoryName } from '../oci/repository-name.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
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
  readonly #metadata: MetadataStore;
  readonly #blobStore: BlobStore;
  readonly #sessions: UploadSessions;

  constructor(metadata: MetadataStore, blobStore: BlobStore, sessions: UploadSessions) {
    this.repositories = new Repositories(metadata);
    this.#metadata = metadata;
    this.#blobStore = blobStore;
    this.#sessions = sessions;
  }

  /** The view that somebody has of one repository, which need not exist yet. */
  repository(name: RepositoryName, actor: Actor): Repository {
    return {
      name,
      blobs: new Blobs(name, this.#metadata, this.#blobStore, actor),
      uploads: new Uploads(name, this.#sessions),
      manifests: new Manifests(name, this.#metadata, this.#blobStore, actor),
      tags: new Tags(name, this.#metadata),
      referrers: new Referrers(name, this.#metadata, this.#blobStore),
    };
  }
}
