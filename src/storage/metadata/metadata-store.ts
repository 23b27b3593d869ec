import { AbsenceMetadata } from './absence.ts';
import { AccessMetadata } from './access.ts';
import { AuditMetadata } from './audit.ts';
import { BlobMetadata } from './blobs.ts';
import { CollectionMetadata } from './collection.ts';
import { CollectionPreviewMetadata } from './collection-preview.ts';
import { CredentialMetadata } from './credentials.ts';
import { DamageMetadata } from './damage.ts';
import { Database } from './database.ts';
import { DeletedManifestMetadata } from './deleted-manifests.ts';
import { DeletedRepositoryMetadata } from './deleted-repositories.ts';
import { DrainMetadata } from './drain.ts';
import { EvictionMetadata } from './evictions.ts';
import { ExportMetadata } from './export.ts';
import { HolderMetadata } from './holders.ts';
import { InventoryMetadata } from './inventory.ts';
import { LIFETIMES, type Lifetimes } from './lifetimes.ts';
import { ManifestMetadata } from './manifests.ts';
import { MemberMetadata } from './members.ts';
import { MirroredMetadata } from './mirrored.ts';
import { NamespaceMetadata } from './namespaces.ts';
import { ProgressMetadata } from './progress.ts';
import { PullMetadata } from './pulls.ts';
import { QuotaMetadata } from './quotas.ts';
import { ReferrerMetadata } from './referrers.ts';
import { ReplicationMetadata } from './replications.ts';
import { RepositoryMetadata } from './repositories.ts';
import { RestoreMetadata } from './restore.ts';
import { RestoreEndMetadata } from './restore-end.ts';
import { RestoreGiveUpMetadata } from './restore-give-up.ts';
import { RestoreStates } from './restore-state.ts';
import { RetentionMetadata } from './retention.ts';
import { RetentionTagMetadata } from './retention-tags.ts';
import { RobotMetadata } from './robots.ts';
import { ScrubMetadata } from './scrub.ts';
import { SigningKeyMetadata } from './signing-keys.ts';
import { TagHistoryMetadata } from './tag-history.ts';
import { TagRuleMetadata } from './tag-rules.ts';
import { TagMetadata } from './tags.ts';
import { TransferMetadata } from './transfers.ts';
import { TrashMetadata } from './trash.ts';
import { TrustRuleMetadata } from './trust-rules.ts';
import { UntaggedReviewMetadata } from './untagged-reviews.ts';
import { UploadMetadata } from './uploads.ts';
import { UpstreamMetadata } from './upstreams.ts';
import { UserMetadata } from './users.ts';

/** Files of migrations/, each of which wrangler and `npm start` note in the database. */
const MIGRATIONS = 15;

/** Everything that D1 knows, by the noun it is about. */
export class MetadataStore {
  readonly access: AccessMetadata;
  readonly audit: AuditMetadata;
  readonly blobs: BlobMetadata;
  readonly collection: CollectionMetadata;
  readonly collectionPreview: CollectionPreviewMetadata;
  readonly credentials: CredentialMetadata;
  readonly absence: AbsenceMetadata;
  readonly damage: DamageMetadata;
  readonly holders: HolderMetadata;
  readonly inventory: InventoryMetadata;
  readonly deletedManifests: DeletedManifestMetadata;
  readonly deletedRepositories: DeletedRepositoryMetadata;
  readonly drain: DrainMetadata;
  readonly evictions: EvictionMetadata;
  readonly export: ExportMetadata;
  readonly manifests: ManifestMetadata;
  readonly members: MemberMetadata;
  readonly mirrored: MirroredMetadata;
  readonly namespaces: NamespaceMetadata;
  readonly progress: ProgressMetadata;
  readonly quotas: QuotaMetadata;
  readonly pulls: PullMetadata;
  readonly referrers: ReferrerMetadata;
  readonly replications: ReplicationMetadata;
  readonly repositories: RepositoryMetadata;
  readonly retention: RetentionMetadata;
  readonly retentionTags: RetentionTagMetadata;
  readonly restore: RestoreMetadata;
  readonly restoreStates: RestoreStates;
  readonly restoreEnd: RestoreEndMetadata;
  readonly restoreGiveUp: RestoreGiveUpMetadata;
  readonly robots: RobotMetadata;
  readonly scrub: ScrubMetadata;
  readonly signingKeys: SigningKeyMetadata;
  readonly tagHistory: TagHistoryMetadata;
  readonly tagRules: TagRuleMetadata;
  readonly tags: TagMetadata;
  readonly transfers: TransferMetadata;
  readonly trash: TrashMetadata;
  readonly trustRules: TrustRuleMetadata;
  readonly untaggedReviews: UntaggedReviewMetadata;
  readonly uploads: UploadMetadata;
  readonly upstreams: UpstreamMetadata;
  readonly users: UserMetadata;

  readonly #database: Database;

  constructor(d1: D1Database, lifetimes: Lifetimes = LIFETIMES) {
    const database = new Database(d1);
    this.#database = database;
    this.access = new AccessMetadata(database);
    this.audit = new AuditMetadata(database, lifetimes);
    this.blobs = new BlobMetadata(database, lifetimes);
    this.collection = new CollectionMetadata(database, lifetimes);
    this.collectionPreview = new CollectionPreviewMetadata(database, lifetimes);
    this.credentials = new CredentialMetadata(database);
    this.absence = new AbsenceMetadata(database);
    this.damage = new DamageMetadata(database);
    this.holders = new HolderMetadata(database);
    this.inventory = new InventoryMetadata(database);
    this.deletedManifests = new DeletedManifestMetadata(database, lifetimes);
    this.deletedRepositories = new DeletedRepositoryMetadata(database);
    this.drain = new DrainMetadata(database, lifetimes);
    this.evictions = new EvictionMetadata(database);
    this.export = new ExportMetadata(database);
    this.manifests = new ManifestMetadata(database, lifetimes);
    this.members = new MemberMetadata(database);
    this.mirrored = new MirroredMetadata(database, lifetimes);
    this.namespaces = new NamespaceMetadata(database);
    this.progress = new ProgressMetadata(database);
    this.quotas = new QuotaMetadata(database);
    this.pulls = new PullMetadata(database);
    this.referrers = new ReferrerMetadata(database);
    this.replications = new ReplicationMetadata(database);
    this.repositories = new RepositoryMetadata(database);
    this.retention = new RetentionMetadata(database);
    this.retentionTags = new RetentionTagMetadata(database);
    this.restore = new RestoreMetadata(database);
    this.restoreStates = new RestoreStates(database, this.progress);
    this.restoreEnd = new RestoreEndMetadata(database, lifetimes);
    this.restoreGiveUp = new RestoreGiveUpMetadata(database);
    this.robots = new RobotMetadata(database);
    this.scrub = new ScrubMetadata(database);
    this.signingKeys = new SigningKeyMetadata(database);
    this.tagHistory = new TagHistoryMetadata(database);
    this.tagRules = new TagRuleMetadata(database);
    this.tags = new TagMetadata(database);
    this.transfers = new TransferMetadata(database);
    this.trash = new TrashMetadata(database, lifetimes);
    this.trustRules = new TrustRuleMetadata(database);
    this.untaggedReviews = new UntaggedReviewMetadata(database);
    this.uploads = new UploadMetadata(database, lifetimes);
    this.upstreams = new UpstreamMetadata(database);
    this.users = new UserMetadata(database);
  }

  /**
   * Looks whether the database has the tables that this Worker asks for; it may have newer ones.
   *
   * @throws Error when it has not, UNAVAILABLE
   */
  async requireSchema(): Promise<void> {
    const row = await this.#database.first<{ count: number }>(
      'SELECT count(*) AS count FROM d1_migrations',
    );
    if ((row?.count ?? 0) < MIGRATIONS) {
      throw new Error(`of ${MIGRATIONS} migrations ${row?.count} are applied: deploy applies them`);
    }
  }
}
