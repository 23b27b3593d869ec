import { OpenedCredentials } from './credentials.ts';
import { RefusedLogins } from './refused-logins.ts';
import { TokenCache } from './token-cache.ts';

/**
 * What was learnt with one login. Another login begins with a new session: what is under way by then ends
 * in the old one, which nobody asks any more.
 */
export class LoginSession {
  readonly credentials = new OpenedCredentials();
  readonly refused = new RefusedLogins();
  readonly tokens = new TokenCache();
}
