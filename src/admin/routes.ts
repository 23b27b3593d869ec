import { AUDIT_ROUTES } from './audit.ts';
import { BACKUP_ROUTES } from './backup.ts';
import { COPY_ROUTES } from './copies.ts';
import { EXPLAIN_ROUTES } from './explain.ts';
import { ME_ROUTES } from './me.ts';
import { MEMBER_ROUTES } from './members.ts';
import { NAMESPACE_ROUTES } from './namespaces.ts';
import { NETWORK_ROUTES } from './network.ts';
import { describeApi, documentSchema } from './openapi.ts';
import { REPOSITORY_ROUTES } from './repositories.ts';
import { RESTORE_ROUTES } from './restore.ts';
import { ROBOT_ROUTES } from './robots.ts';
import { type Route, route } from './route.ts';
import { TEMPORARY_CREDENTIAL_ROUTES } from './temporary-credentials.ts';
import { TOKEN_ROUTES } from './tokens.ts';
import { TRUST_RULE_ROUTES } from './trust-rules.ts';
import { USER_ROUTES } from './users.ts';

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
  ...MEMBER_ROUTES,
  ...ROBOT_ROUTES,
  ...TRUST_RULE_ROUTES,
  ...REPOSITORY_ROUTES,
  ...AUDIT_ROUTES,
  ...EXPLAIN_ROUTES,
  ...BACKUP_ROUTES,
  ...COPY_ROUTES,
  ...RESTORE_ROUTES,
];
