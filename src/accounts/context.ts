import type { Actor } from '../storage/metadata/audit.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';

/** What every change needs: where it is stored, and who makes it, for the audit log. */
export interface Context {
  metadata: MetadataStore;
  actor: Actor;
}
