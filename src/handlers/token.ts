import type { Approach, Authority } from '../auth/authorize.ts';
import { serviceOf } from '../auth/challenge.ts';
import { ANONYMOUS, type Identity } from '../auth/identity.ts';
import { logIn, logInWithIdentityToken, logInWithRefreshToken } from '../auth/login.ts';
import { parseScopes, resolveNames } from '../auth/scope.ts';
import type { TokenService } from '../auth/token-service.ts';
import { readForm } from '../http/body.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';

/** What the token endpoints work with. */
export interface TokenDesk {
  authority: Authority;
  approach: Approach;
  service: TokenService;
  /** The repository that a name means to those who read it. */
  resolve: (name: RepositoryName) => Promise<RepositoryName>;
}

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
const IDENTITY_TOKEN_TYPES = [
  'urn:ietf:params:oauth:token-type:id_token',
  'urn:ietf:params:oauth:token-type:jwt',
];

/** Docker's token endpoint: Basic or nobody in, a token out. https://distribution.github.io/distribution/spec/auth/token/ */
export async function get(request: Request, desk: TokenDesk): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const identity = (await desk.authority.identify(desk.approach)) ?? ANONYMOUS;
  const isOffline = query.get('offline_token') === 'true';
  return answer(desk, identity, query.getAll('scope'), {
    offlineClient: isOffline ? clientOf(query) : null,
  });
}

/** The same by OAuth 2. https://distribution.github.io/distribution/spec/auth/oauth/, RFC 8693 */
export async function post(request: Request, desk: TokenDesk): Promise<Response> {
  const form = await readForm(request);
  const context = desk.authority.loginContext(desk.approach.origin);
  const scopes = form.getAll('scope');
  const offlineClient = form.get('access_type') === 'offline' ? clientOf(form) : null;
  switch (form.get('grant_type')) {
    case 'password': {
      const identity = await logIn(context, required(form, 'username'), required(form, 'password'));
      return answer(desk, identity, scopes, { offlineClient });
    }
    case 'refresh_token': {
      const refreshToken = required(form, 'refresh_token');
      const identity = await logInWithRefreshToken(context, refreshToken);
      return answer(desk, identity, scopes, { offlineClient: null, refreshToken });
    }
    case TOKEN_EXCHANGE: {
      if (!IDENTITY_TOKEN_TYPES.includes(required(form, 'subject_token_type'))) {
        throw invalid(`subject_token_type has to be one of ${IDENTITY_TOKEN_TYPES.join(', ')}`);
      }
      const identity = await logInWithIdentityToken(context, required(form, 'subject_token'));
      return answer(desk, identity, scopes, { offlineClient: null, isExchange: true });
    }
    default:
      throw invalid(`grant_type has to be password, refresh_token or ${TOKEN_EXCHANGE}`);
  }
}

interface AnswerOptions {
  offlineClient: string | null; // who asks for a refresh token
  refreshToken?: string;
  isExchange?: boolean;
}

async function answer(
  { approach, service, resolve }: TokenDesk,
  identity: Identity,
  scopes: readonly string[],
  { offlineClient, refreshToken, isExchange }: AnswerOptions,
): Promise<Response> {
  const { address } = approach.origin;
  const granted = await service.grant(
    identity,
    await resolveNames(parseScopes(scopes), resolve),
    serviceOf(approach.url),
    address,
  );
  const refresh =
    offlineClient === null
      ? refreshToken
      : await service.grantRefreshToken(identity, offlineClient, address);
  return Response.json(
    {
      token: granted.token,
      access_token: granted.token,
      token_type: 'Bearer',
      expires_in: granted.expiresIn,
      issued_at: granted.issuedAt.toISOString(),
      scope: granted.scope,
      ...(refresh && { refresh_token: refresh }),
      ...(isExchange && { issued_token_type: ACCESS_TOKEN_TYPE }),
    },
    { headers: { 'Cache-Control': 'no-store' } },
  );
}

/** The name by which a list of credentials tells what a refresh token is for. RFC 6749, appendix A.1 */
function clientOf(parameters: URLSearchParams): string {
  const client = parameters.get('client_id') ?? '';
  if (!/^[\x20-\x7e]*$/.test(client)) {
    throw invalid('client_id may have printable ASCII characters only');
  }
  return client;
}

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value === null || value === '') {
    throw invalid(`${name} is missing`);
  }
  return value;
}

function invalid(message: string): RegistryError {
  return new RegistryError('TOKEN_REQUEST_INVALID', message);
}
