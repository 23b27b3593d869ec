import { RegistryError } from '../oci/errors.ts';
import type { UpstreamRecord } from '../storage/metadata/upstreams.ts';
import { addressRefusal } from '../upstream/address.ts';
import { MAX_NAMESPACE_LENGTH, NAMESPACE_NAME } from './names.ts';

/** What this deployment lets upstreams be. */
export interface UpstreamRules {
  adminPassword: string; // that passwords are sealed under
  allowsAnonymousHub: boolean;
  allowsPrivate: boolean; // addresses, and http
}

/** Docker Hub limits what comes from Cloudflare's addresses without a login, all of it together. */
const NEEDS_LOGIN = /(?:^|\.)docker\.(?:io|com)$/;

/**
 * Refuses a mirror that cannot be, or would do harm.
 *
 * @throws ACCOUNT_INVALID with the reason
 */
export function checkUpstream(upstream: UpstreamRecord, rules: UpstreamRules): void {
  const refusal =
    nameRefusal(upstream.namespace) ??
    urlRefusal(new URL(upstream.url), rules) ??
    tokenHostRefusal(upstream, rules) ??
    loginRefusal(upstream, rules);
  if (refusal !== null) {
    throw new RegistryError('ACCOUNT_INVALID', refusal);
  }
}

/** Names of one's own seldom have a dot, so that no image of theirs is taken for another registry's. */
function nameRefusal(namespace: string): string | null {
  if (!NAMESPACE_NAME.test(namespace) || namespace.length > MAX_NAMESPACE_LENGTH) {
    return `${namespace} cannot be the name of a namespace`;
  }
  return namespace.includes('.')
    ? null
    : `the name of a mirror has a dot, as "docker.io": ${namespace} could be somebody's own namespace`;
}

function urlRefusal(url: URL, { allowsPrivate }: UpstreamRules): string | null {
  const refusal = addressRefusal(url, allowsPrivate);
  if (refusal !== null) {
    return `an upstream cannot be there: ${refusal}`;
  }
  return url.pathname === '/' && url.search === '' && url.hash === ''
    ? null
    : `the URL of an upstream ends with its host, as ${url.origin}: what is behind that belongs into the name of the image`;
}

function tokenHostRefusal(
  { tokenHost }: UpstreamRecord,
  { allowsPrivate }: UpstreamRules,
): string | null {
  const refusal =
    tokenHost === null ? null : addressRefusal(new URL(`https://${tokenHost}`), allowsPrivate);
  return refusal === null ? null : `the credentials cannot go there: ${refusal}`;
}

function loginRefusal(
  { url, username, secret }: UpstreamRecord,
  { allowsAnonymousHub }: UpstreamRules,
): string | null {
  if ((username === null) !== (secret === null)) {
    return 'a login is a user name and a password: give both, or none';
  }
  return username === null && !allowsAnonymousHub && NEEDS_LOGIN.test(new URL(url).hostname)
    ? 'Docker Hub limits requests without a login by address, and those of Workers are shared by all: ' +
        'give the name of a Docker account and an access token of it'
    : null;
}
