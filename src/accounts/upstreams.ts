import { seal } from '../auth/sealing.ts';
import { RegistryError } from '../oci/errors.ts';
import type { UpstreamRecord } from '../storage/metadata/upstreams.ts';
import { addressRefusal } from '../upstream/address.ts';
import type { Context } from './context.ts';

/** An upstream as administrators see it: the password is never shown again. */
export type Upstream = Omit<UpstreamRecord, 'secret'>;

/**
 * What is to be known of an upstream; `password` null leaves it without, undefined as it was, unless the
 * host is another: a password is good for the one that it was given for.
 */
export interface NewUpstream extends Omit<UpstreamRecord, 'secret' | 'namespace'> {
  password?: string | null | undefined;
  isPublic: boolean; // of a namespace that is made for it
}

/** What this deployment lets upstreams be. */
export interface UpstreamRules {
  adminPassword: string; // that passwords are sealed under
  allowsAnonymousHub: boolean;
  allowsPrivate: boolean; // addresses, and http
}

/** Docker Hub limits what comes from Cloudflare's addresses without a login, all of it together. */
const NEEDS_LOGIN = /(?:^|\.)docker\.(?:io|com)$/;

/** The upstreams, by namespace. */
export async function listUpstreams({ metadata }: Context): Promise<Upstream[]> {
  return (await metadata.upstreams.list()).map(withoutSecret);
}

/** @throws ACCOUNT_UNKNOWN */
export async function getUpstream({ metadata }: Context, namespace: string): Promise<Upstream> {
  const upstream = await metadata.upstreams.find(namespace);
  if (upstream === null) {
    throw new RegistryError('ACCOUNT_UNKNOWN', `${namespace} is no mirror`);
  }
  return withoutSecret(upstream);
}

/**
 * Makes a namespace a mirror, or changes what is known of its upstream.
 *
 * @throws ACCOUNT_INVALID when the address is not to be asked, or Docker Hub without a
 *   login; ACCOUNT_EXISTS when the
 *   namespace has repositories of its own
 */
export async function setUpstream(
  { metadata, actor }: Context,
  rules: UpstreamRules,
  namespace: string,
  { password, isPublic, ...settings }: NewUpstream,
): Promise<Upstream> {
  const before = await metadata.upstreams.find(namespace);
  const kept = before !== null && isSameHost(before.url, settings.url) ? before.secret : null;
  const secret =
    password === undefined ? kept : password && (await seal(password, rules.adminPassword));
  const upstream: UpstreamRecord = { namespace, ...settings, secret };
  const refusal = addressRefusal(new URL(upstream.url), rules.allowsPrivate);
  if (refusal !== null) {
    throw new RegistryError('ACCOUNT_INVALID', `an upstream cannot be there: ${refusal}`);
  }
  const hasLogin = upstream.username !== null && secret !== null;
  if (!hasLogin && !rules.allowsAnonymousHub && NEEDS_LOGIN.test(new URL(upstream.url).hostname)) {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      'Docker Hub limits requests without a login by address, and those of Workers are shared by all: ' +
        'give the name of a Docker account and an access token of it',
    );
  }
  const entry = {
    event: 'upstream.set',
    namespace,
    target: namespace,
    before: before && JSON.stringify(withoutSecret(before)),
    after: JSON.stringify(withoutSecret(upstream)),
  };
  if (!(await metadata.upstreams.put(upstream, isPublic, actor, entry))) {
    throw new RegistryError(
      'ACCOUNT_EXISTS',
      `${namespace} has repositories of its own: only a namespace without any becomes a mirror`,
    );
  }
  return withoutSecret(upstream);
}

/** Ends a mirror; what was fetched stays. @throws ACCOUNT_UNKNOWN */
export async function removeUpstream(context: Context, namespace: string): Promise<void> {
  await getUpstream(context, namespace);
  const entry = { event: 'upstream.remove', namespace, target: namespace };
  await context.metadata.upstreams.delete(namespace, context.actor, entry);
}

function isSameHost(one: string, other: string): boolean {
  return new URL(one).host === new URL(other).host;
}

function withoutSecret({ secret: _, ...upstream }: UpstreamRecord): Upstream {
  return upstream;
}
