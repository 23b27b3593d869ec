import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
import { SYSTEM_ADMIN } from '../storage/metadata/users.ts';
import type { Identity } from './identity.ts';
import type { NetworkRules } from './network.ts';
import { rightsOf } from './rights.ts';
import type { Action } from './roles.ts';
import { formatScope, type RequestedAccess } from './scope.ts';
import { hashSecret, newSecret } from './secrets.ts';
import type { SigningKeys } from './signing-keys.ts';
import { signToken } from './tokens.ts';

/** What was granted is good this long, whatever is taken from the principal meanwhile. */
export const ACCESS_TOKEN_LIFETIME = 5 * 60; // seconds

/** How long `docker login` lasts. A workload's lasts an hour, also past its identity token. */
const REFRESH_LIFETIME = { user: 90 * 24 * 60 * 60, workload: 60 * 60 }; // seconds

const MAX_CLIENT_LENGTH = 100; // characters

/** A token as it was granted; times are seconds. */
export interface GrantedToken {
  token: string;
  expiresIn: number;
  issuedAt: Date;
  scope: string; // what of the request was granted
}

/** Gives out access tokens and refresh tokens. */
export class TokenService {
  readonly #metadata: MetadataStore;
  readonly #keys: SigningKeys;

  constructor(metadata: MetadataStore, keys: SigningKeys) {
    this.#metadata = metadata;
    this.#keys = keys;
  }

  /**
   * Grants as much of the requested access as the principal has, which may be nothing, in a token
   * for `service`.
   */
  async grant(
    identity: Identity,
    requested: RequestedAccess,
    service: string,
    address: string | null,
  ): Promise<GrantedToken> {
    const names = [...requested.repositories.keys()];
    const rights = await rightsOf(this.#metadata, identity, names);
    const repositories: Record<RepositoryName, Action[]> = {};
    const networks: Record<string, NetworkRules> = {};
    for (const [name, asked] of requested.repositories) {
      const granted = asked.filter((action) => rights.actions(name).includes(action));
      if (granted.length > 0) {
        repositories[name] = granted;
        const rules = rights.network(name);
        if (Object.keys(rules).length > 0) {
          networks[namespaceOf(name)] = rules;
        }
      }
    }
    const scope = Object.entries(repositories)
      .map(([name, actions]) => formatScope(name as RepositoryName, actions))
      .concat(requested.catalog ? ['registry:catalog:*'] : [])
      .join(' ');
    if (identity.kind !== 'anonymous') {
      const actor = { principal: identity.principal, address };
      await this.#metadata.audit.add(actor, { event: 'token.issue', after: scope });
    }
    const issuedAt = new Date();
    const left = (identity.expiresAt ?? Number.POSITIVE_INFINITY) - issuedAt.getTime() / 1000;
    const expiresIn = Math.max(1, Math.floor(Math.min(ACCESS_TOKEN_LIFETIME, left)));
    const token = await signToken(
      this.#keys,
      {
        principal: identity.principal,
        repositories,
        networks,
        catalog: requested.catalog ? identity : null,
      },
      service,
      expiresIn,
    );
    return { token, expiresIn, issuedAt, scope };
  }

  /**
   * A refresh token that ends with what it was got with: the credential, the trust rule or the
   * user's password. Null where nothing of that would end it: for the system administrator, whose
   * password is kept nowhere, and for a workload that several rules let in.
   */
  async grantRefreshToken(
    identity: Identity,
    client: string,
    address: string | null,
  ): Promise<string | null> {
    const { principal, kind, credential, trustRule, expiresAt } = identity;
    const hasEnd =
      credential !== null ||
      (kind === 'workload' ? trustRule !== null : principal !== SYSTEM_ADMIN);
    if (kind === 'anonymous' || !hasEnd) {
      return null;
    }
    const secret = newSecret('refresh');
    const lifetime = kind === 'workload' ? REFRESH_LIFETIME.workload : REFRESH_LIFETIME.user;
    const end = Math.floor(Date.now() / 1000) + lifetime;
    const isStored = await this.#metadata.credentials.create(
      {
        id: crypto.randomUUID(),
        kind: 'refresh',
        principal,
        name: client.slice(0, MAX_CLIENT_LENGTH),
        secretHash: hashSecret(secret),
        limits: JSON.stringify(identity.limits),
        grants: identity.grants === null ? null : JSON.stringify(identity.grants),
        parent: credential,
        trustRule,
        expiresAt: credential === null ? end : Math.min(end, expiresAt ?? end),
      },
      { principal, address },
      { event: 'refresh-token.issue', target: client.slice(0, MAX_CLIENT_LENGTH) },
    );
    return isStored ? secret : null; // what it was got with may have ended just now
  }
}
