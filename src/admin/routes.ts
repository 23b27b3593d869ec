import { AUDIT_ROUTES } from './audit.ts';
import { BACKUP_ROUTES } from './backup.ts';
import { COLLECTION_ROUTES } from './collection.ts';
import { COPY_ROUTES } from './copies.ts';
import { DELETED_MANIFEST_ROUTES } from './deleted-manifests.ts';
import { DELETED_REPOSITORY_ROUTES } from './deleted-repositories.ts';
import { EXPLAIN_ROUTES } from './explain.ts';
import { ME_ROUTES } from './me.ts';
import { MEMBER_ROUTES } from './members.ts';
import { NAMESPACE_ROUTES } from './namespaces.ts';
import { NETWORK_ROUTES } from './network.ts';
import { describeApi, documentSchema } from './openapi.ts';
import { QUOTA_ROUTES } from './quotas.ts';
import { REPLICATION_ROUTES } from './replications.ts';
import { REPOSITORY_ROUTES } from './repositories.ts';
import { RESTORE_ROUTES } from './restore.ts';
import { RETENTION_ROUTES } from './retention.ts';
import { ROBOT_ROUTES } from './robots.ts';
import { type Route, route } from './route.ts';
import { SCRUB_ROUTES } from './scrub.ts';
import { TAG_HISTORY_ROUTES } from './tag-history.ts';
import { TAG_RULE_ROUTES } from './tag-rules.ts';
import { TAG_ROUTES } from './tags.ts';
import { TEMPORARY_CREDENTIAL_ROUTES } from './temporary-credentials.ts';
import { TOKEN_ROUTES } from './tokens.ts';
import { TRANSFER_ROUTES } from './transfers.ts';
import { TRUST_RULE_ROUTES } from './trust-rules.ts';
import { UPSTREAM_ROUTES } from './upstreams.ts';
import { USER_ROUTES } from './users.ts';
import { WHY_ROUTES } from './why.ts';

/** Every endpoint of the API. The OpenAPI document is made of the same rows. */
export const ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/openapi.json',
    summary: 'This description of the API',
    permission: 'public',
    body: null,
    query: null,
    status: 200,
    answer: documentSchema,
    handle: () => describeApi(ROUTES),
  }),
  ...ME_ROUTES,
  ...TEMPORARY_CREDENTIAL_ROUTES,
  ...TOKEN_ROUTES,
  ...USER_ROUTES,
  ...NAMESPACE_ROUTES,
  ...NETWORK_ROUTES,
  ...QUOTA_ROUTES,
  ...MEMBER_ROUTES,
  ...ROBOT_ROUTES,
  ...TRUST_RULE_ROUTES,
  ...REPOSITORY_ROUTES,
  ...TAG_ROUTES,
  ...DELETED_REPOSITORY_ROUTES,
  ...TAG_HISTORY_ROUTES,
  ...DELETED_MANIFEST_ROUTES,
  ...RETENTION_ROUTES,
  ...UPSTREAM_ROUTES,
  ...TRANSFER_ROUTES,
  ...REPLICATION_ROUTES,
  ...TAG_RULE_ROUTES,
  ...AUDIT_ROUTES,
  ...EXPLAIN_ROUTES,
  ...SCRUB_ROUTES,
  ...COLLECTION_ROUTES,
  ...WHY_ROUTES,
  ...BACKUP_ROUTES,
  ...COPY_ROUTES,
  ...RESTORE_ROUTES,
];
