import { BlobStore } from './blob-store.ts';
import { ContentStore } from './content-store.ts';
import { EdgeCache } from './edge-cache.ts';
import { Isolate } from './isolate.ts';
import { type MaxAges, Memberships } from './memberships.ts';
import type { Lifetimes } from './metadata/lifetimes.ts';
import { MetadataStore } from './metadata/metadata-store.ts';
import { Mirrors } from './mirrors.ts';
import { PullCounter } from './pull-counter.ts';

/** What the stores are made of. */
export interface StoreOptions {
  database: D1Database;
  bucket: R2Bucket;
  backupBucket?: R2Bucket | undefined; // for copies of the database; else the same
  readWindow: number; // bytes; see BlobStore
  maxAges: MaxAges;
  lifetimes: Lifetimes;
  pullInterval: number; // seconds; see PullCounter
}

const here = new Isolate();

/** Everything that is stored: what is known, the bytes, and both as they are remembered near readers. */
export class Stores {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly backups: BlobStore;
  readonly memberships: Memberships;
  readonly content: ContentStore;
  readonly mirrors: Mirrors;
  readonly pulls: PullCounter;
  readonly cache: EdgeCache;
  readonly lifetimes: Lifetimes;

  /** `origin` is the scheme and host of the request that they are opened for. */
  constructor(
    { database, bucket, backupBucket, readWindow, maxAges, lifetimes, pullInterval }: StoreOptions,
    origin: string,
    isolate: Isolate = here,
  ) {
    const cache = new EdgeCache(origin);
    this.cache = cache;
    this.lifetimes = lifetimes;
    this.metadata = new MetadataStore(database, lifetimes);
    this.blobs = new BlobStore(bucket, readWindow);
    this.backups = new BlobStore(backupBucket ?? bucket);
    this.memberships = new Memberships(isolate, cache, maxAges);
    this.content = new ContentStore(isolate, this.blobs, cache);
    this.mirrors = new Mirrors(isolate, this.metadata.upstreams);
    this.pulls = new PullCounter(isolate, this.metadata.pulls, pullInterval);
  }
}
