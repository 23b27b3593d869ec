import { BlobMetadata } from './blobs.ts';
import { Database } from './database.ts';
import { ManifestMetadata } from './manifests.ts';
import { ReferrerMetadata } from './referrers.ts';
import { RepositoryMetadata } from './repositories.ts';
import { TagMetadata } from './tags.ts';
import { TrashMetadata } from './trash.ts';
import { UploadMetadata } from './uploads.ts';

/** Everything that D1 knows, by the noun it is about. */
export class MetadataStore {
  readonly blobs: BlobMetadata;
  readonly manifests: ManifestMetadata;
  readonly referrers: ReferrerMetadata;
  readonly repositories: RepositoryMetadata;
  readonly tags: TagMetadata;
  readonly trash: TrashMetadata;
  readonly uploads: UploadMetadata;

  constructor(d1: D1Database) {
    const database = new Database(d1);
    this.blobs = new BlobMetadata(database);
    this.manifests = new ManifestMetadata(database);
    this.referrers = new ReferrerMetadata(database);
    this.repositories = new RepositoryMetadata(database);
    this.tags = new TagMetadata(database);
    this.trash = new TrashMetadata(database);
    this.uploads = new UploadMetadata(database);
  }
}
