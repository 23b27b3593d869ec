import type { Settings } from '../env.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
import { CatalogReader } from './catalog-reader.ts';
import { challenge, serviceOf } from './challenge.ts';
import { parseCredentials } from './credentials.ts';
import { LoginGuard, type LoginThrottles } from './guard.ts';
import { ANONYMOUS, type Identity } from './identity.ts';
import { type LoginContext, logIn } from './login.ts';
import { checkNetwork, networkRefusal, type Origin } from './network.ts';
import { type Rights, rightsOf, rightsOfToken } from './rights.ts';
import { ACTIONS, type Action } from './roles.ts';
import { formatScope } from './scope.ts';
import { SigningKeys } from './signing-keys.ts';
import { TokenService } from './token-service.ts';
import { verifyToken } from './tokens.ts';

/** What a route does, as the router names it. 'login' takes a login of one's own, whatever its rights. */
export type Access = Action | 'catalog' | 'login' | 'any' | 'public';

/** A request, as far as it matters who makes it. */
export interface Approach {
  authorization: string | null; // the header
  url: string; // scheme and host that were asked, "https://registry.example.com"
  origin: Origin;
}

/** What a request needs. */
export interface Need {
  access: Access;
  repository: RepositoryName | null;
  /** What it was called, which a challenge repeats: what that means is for those who may know. */
  calledAs: RepositoryName | null;
  /** A repository that the request may read besides: the source of a mount. */
  source: RepositoryName | null;
}

/** What the one who asks may do. */
export interface Permit {
  actor: Actor;
  /** What of the catalog they see; null for all of it. */
  reader: CatalogReader | null;
  mayPush: boolean;
  /** The repositories that a mount may come from; 'all' in an open registry. */
  sources: readonly RepositoryName[] | 'all';
}

/** What decides. */
export interface AuthorityOptions {
  metadata: MetadataStore;
  throttles: LoginThrottles;
  settings: Settings;
}

/** Decides who may do what, once for every request. */
export class Authority {
  readonly #metadata: MetadataStore;
  readonly #throttles: LoginThrottles;
  readonly #settings: Settings;

  constructor({ metadata, throttles, settings }: AuthorityOptions) {
    this.#metadata = metadata;
    this.#throttles = throttles;
    this.#settings = settings;
  }

  /**
   * Allows a request or refuses it.
   *
   * @throws UNAUTHORIZED with a challenge, DENIED where the network rules refuse what the caller may
   *   do elsewhere, TOOMANYREQUESTS after too many failed logins
   */
  async authorize(approach: Approach, need: Need): Promise<Permit> {
    const { address } = approach.origin;
    const anybody = { principal: ANONYMOUS.principal, address };
    if (this.#settings.isOpen) {
      return { actor: anybody, reader: null, mayPush: true, sources: 'all' };
    }
    // Throws while there is no administrator: for public routes too.
    const context = this.loginContext(approach.origin);
    if (need.access === 'public') {
      return { actor: anybody, reader: null, mayPush: false, sources: [] };
    }
    const rights = await this.#rights(context, approach, need);
    const { repository, access } = need;
    if (repository !== null && isAction(access)) {
      if (!rights.actions(repository).includes(access)) {
        throw this.#refusal(approach, need, 'insufficient_scope');
      }
      checkNetwork(rights.network(repository), access, approach.origin);
    }
    const isKnown = rights.identity !== null && rights.identity.kind !== 'anonymous';
    if ((access === 'catalog' && rights.identity === null) || (access === 'login' && !isKnown)) {
      throw this.#refusal(approach, need, 'insufficient_scope');
    }
    return {
      actor: { principal: rights.principal, address },
      reader:
        rights.identity === null || access !== 'catalog'
          ? null
          : new CatalogReader(this.#metadata, rights.identity, approach.origin),
      mayPush: repository !== null && rights.actions(repository).includes('push'),
      sources: rights.repositories.filter(
        (name) =>
          rights.actions(name).includes('pull') &&
          networkRefusal(rights.network(name), 'pull', approach.origin) === null,
      ),
    };
  }

  /**
   * Logs in with the header of a request, for what is not a repository: also where the registry is
   * open, or what somebody sets up there would outlast that.
   *
   * @returns null without one
   * @throws UNAUTHORIZED or TOOMANYREQUESTS
   */
  async identify(approach: Approach): Promise<Identity | null> {
    const context = this.loginContext(approach.origin);
    const credentials = parseCredentials(approach.authorization);
    if (credentials.scheme === 'none') {
      return null;
    }
    if (credentials.scheme !== 'basic') {
      throw new RegistryError('UNAUTHORIZED', 'log in with a user name and a password (Basic)');
    }
    return logIn(context, credentials.username, credentials.password);
  }

  /**
   * What logins are checked against.
   *
   * @throws DENIED while the registry has no administrator
   */
  loginContext({ address }: Origin): LoginContext {
    return {
      metadata: this.#metadata,
      guard: new LoginGuard(this.#throttles, address),
      adminPassword: this.#adminPassword,
      address,
      allowsLocalIssuers: this.#settings.isLocal,
    };
  }

  /** Gives out tokens. */
  get tokens(): TokenService {
    return new TokenService(this.#metadata, this.#keys);
  }

  get #keys(): SigningKeys {
    return new SigningKeys(this.#metadata.signingKeys, this.#adminPassword);
  }

  get #adminPassword(): string {
    const { adminPassword, isOpen } = this.#settings;
    if (adminPassword === null) {
      throw new RegistryError(
        'DENIED',
        isOpen
          ? 'this registry is open and has no administrator: there is nobody to log in as'
          : 'this registry has no administrator yet: set the secret ADMIN_PASSWORD (12 characters ' +
              'or more), or the variable OPEN to "true" to let everybody pull, push and delete',
      );
    }
    return adminPassword;
  }

  async #rights(context: LoginContext, approach: Approach, need: Need): Promise<Rights> {
    const credentials = parseCredentials(approach.authorization);
    if (credentials.scheme === 'bearer') {
      const service = serviceOf(approach.url);
      const token = await verifyToken(this.#keys, credentials.token, service);
      if (token === null) {
        throw this.#refusal(approach, need, 'invalid_token');
      }
      return rightsOfToken(token);
    }
    if (credentials.scheme !== 'basic') {
      throw this.#refusal(approach, need, null);
    }
    const { username, password } = credentials;
    const identity = await logIn(context, username, password).catch((error: unknown) => {
      throw error instanceof RegistryError && error.error === 'UNAUTHORIZED'
        ? this.#refusal(approach, need, null, error.message)
        : error;
    });
    const repositories = [need.repository, need.source].filter((name) => name !== null);
    return rightsOf(this.#metadata, identity, repositories);
  }

  #refusal(
    approach: Approach,
    { access, calledAs }: Need,
    error: 'invalid_token' | 'insufficient_scope' | null,
    message?: string,
  ): RegistryError {
    const refusal = challenge(approach.url, scopeOf(access, calledAs), error);
    return message === undefined
      ? refusal
      : new RegistryError('UNAUTHORIZED', message, { headers: { ...refusal.headers } });
  }
}

function isAction(access: Access): access is Action {
  return (ACTIONS as readonly string[]).includes(access);
}

/** What the challenge names: a push needs to read as well. */
function scopeOf(access: Access, repository: RepositoryName | null): string | null {
  if (access === 'catalog') {
    return 'registry:catalog:*';
  }
  if (repository === null || !isAction(access)) {
    return null;
  }
  return formatScope(repository, access === 'push' ? ['pull', 'push'] : [access]);
}
