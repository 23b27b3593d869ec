import { AccessMetadata } from './access.ts';
import { AuditMetadata } from './audit.ts';
import { BlobMetadata } from './blobs.ts';
import { CollectionMetadata } from './collection.ts';
import { CredentialMetadata } from './credentials.ts';
import { Database } from './database.ts';
import { ExportMetadata } from './export.ts';
import { LIFETIMES, type Lifetimes } from './lifetimes.ts';
import { ManifestMetadata } from './manifests.ts';
import { MemberMetadata } from './members.ts';
import { NamespaceMetadata } from './namespaces.ts';
import { ProgressMetadata } from './progress.ts';
import { ReferrerMetadata } from './referrers.ts';
import { RepositoryMetadata } from './repositories.ts';
import { RestoreMetadata } from './restore.ts';
import { RobotMetadata } from './robots.ts';
import { SigningKeyMetadata } from './signing-keys.ts';
import { TagMetadata } from './tags.ts';
import { TrashMetadata } from './trash.ts';
import { TrustRuleMetadata } from './trust-rules.ts';
import { UploadMetadata } from './uploads.ts';
import { UserMetadata } from './users.ts';

/** Everything that D1 knows, by the noun it is about. */
export class MetadataStore {
  readonly access: AccessMetadata;
  readonly audit: AuditMetadata;
  readonly blobs: BlobMetadata;
  readonly collection: CollectionMetadata;
  readonly credentials: CredentialMetadata;
  readonly export: ExportMetadata;
  readonly manifests: ManifestMetadata;
  readonly members: MemberMetadata;
  readonly namespaces: NamespaceMetadata;
  readonly progress: ProgressMetadata;
  readonly referrers: ReferrerMetadata;
  readonly repositories: RepositoryMetadata;
  readonly restore: RestoreMetadata;
  readonly robots: RobotMetadata;
  readonly signingKeys: SigningKeyMetadata;
  readonly tags: TagMetadata;
  readonly trash: TrashMetadata;
  readonly trustRules: TrustRuleMetadata;
  readonly uploads: UploadMetadata;
  readonly users: UserMetadata;

  readonly #database: Database;

  constructor(d1: D1Database, lifetimes: Lifetimes = LIFETIMES) {
    const database = new Database(d1);
    this.#database = database;
    this.access = new AccessMetadata(database);
    this.audit = new AuditMetadata(database, lifetimes);
    this.blobs = new BlobMetadata(database, lifetimes);
    this.collection = new CollectionMetadata(database, lifetimes);
    this.credentials = new CredentialMetadata(database);
    this.export = new ExportMetadata(database);
    this.manifests = new ManifestMetadata(database, lifetimes);
    this.members = new MemberMetadata(database);
    this.namespaces = new NamespaceMetadata(database);
    this.progress = new ProgressMetadata(database);
    this.referrers = new ReferrerMetadata(database);
    this.repositories = new RepositoryMetadata(database);
    this.restore = new RestoreMetadata(database, this.progress);
    this.robots = new RobotMetadata(database);
    this.signingKeys = new SigningKeyMetadata(database);
    this.tags = new TagMetadata(database);
    this.trash = new TrashMetadata(database, lifetimes);
    this.trustRules = new TrustRuleMetadata(database);
    this.uploads = new UploadMetadata(database, lifetimes);
    this.users = new UserMetadata(database);
  }

  /**
   * Lets SQLite count what its indexes hold, where that has changed: without, it looks through every tag
   * of a repository to delete one manifest. 0x10000 means all tables, not those that this connection has
   * read: D1 opens new ones. https://www.sqlite.org/pragma.html#pragma_optimize
   */
  async optimize(): Promise<void> {
    await this.#database.all('PRAGMA optimize = 0x10002');
  }
}
