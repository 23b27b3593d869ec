import { seal } from '../auth/sealing.ts';
import { RegistryError } from '../oci/errors.ts';
import { MAX_UPSTREAMS, type UpstreamRecord } from '../storage/metadata/upstreams.ts';
import type { UpstreamGates } from '../upstream/gates.ts';
import type { UpstreamState } from '../upstream/pauses.ts';
import type { Context } from './context.ts';
import { checkUpstream, type UpstreamRules } from './upstream-rules.ts';

export type { UpstreamState };

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

/** The retention policy of a new mirror, which may be changed: what nobody pulls goes. */
const DAYS = 30;
const UNPULLED_GOES = JSON.stringify([
  {
    action: 'delete',
    name: `not pulled for ${DAYS} days`,
    repositories: '**',
    include: ['*'],
    exclude: [],
    pushedBeforeDays: DAYS,
    notPulledForDays: DAYS,
  },
  { action: 'untagged', repositories: '**', olderThanDays: DAYS },
]);

/** What it takes to change upstreams. */
export interface UpstreamContext extends Context {
  upstreamRules: UpstreamRules;
  gates: UpstreamGates;
}

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

/** How an upstream answered of late. @throws ACCOUNT_UNKNOWN */
export async function getUpstreamState(
  context: UpstreamContext,
  namespace: string,
): Promise<UpstreamState> {
  return context.gates.state(await getUpstream(context, namespace));
}

/**
 * Makes a namespace a mirror, or changes what is known of its upstream.
 *
 * @throws ACCOUNT_INVALID when it must not be, see {@link checkUpstream}, or there are too many;
 *   ACCOUNT_EXISTS when the namespace has repositories of its own
 */
export async function setUpstream(
  { metadata, actor, gates, upstreamRules }: UpstreamContext,
  namespace: string,
  { password, isPublic, ...settings }: NewUpstream,
): Promise<Upstream> {
  const before = await metadata.upstreams.find(namespace);
  const secret =
    password === undefined
      ? keptSecret(before, settings)
      : password && (await sealPassword(password, upstreamRules));
  const given: UpstreamRecord = { namespace, ...settings, secret };
  checkUpstream(given, upstreamRules);
  const upstream = { ...given, url: new URL(given.url).origin };
  const entry = {
    event: 'upstream.set',
    namespace,
    target: namespace,
    before: before && JSON.stringify(withoutSecret(before)),
    after: JSON.stringify(withoutSecret(upstream)),
  };
  if (!(await metadata.upstreams.put(upstream, isPublic, UNPULLED_GOES, actor, entry))) {
    const others = (await metadata.upstreams.list()).filter((one) => one.namespace !== namespace);
    throw others.length >= MAX_UPSTREAMS
      ? new RegistryError('ACCOUNT_INVALID', `there are ${MAX_UPSTREAMS} mirrors: remove one`)
      : new RegistryError(
          'ACCOUNT_EXISTS',
          `${namespace} has repositories of its own: only a namespace without any becomes a mirror. ` +
            'Delete them, and those that can be restored yet for good ("edgewater repo purge")',
        );
  }
  await gates.forget(upstream);
  if (before !== null && before.url !== upstream.url) {
    await gates.forget(before);
  }
  return withoutSecret(upstream);
}

/**
 * Ends a mirror. What was fetched stays, as repositories of the namespace, where pushes make no others
 * until somebody allows that.
 *
 * @throws ACCOUNT_UNKNOWN
 */
export async function removeUpstream(context: UpstreamContext, namespace: string): Promise<void> {
  const upstream = await getUpstream(context, namespace);
  const entry = {
    event: 'upstream.remove',
    namespace,
    target: namespace,
    before: JSON.stringify(upstream),
  };
  await context.metadata.upstreams.delete(namespace, context.actor, entry);
  await context.gates.forget(upstream);
}

/** A password that nobody shows is not sent anywhere else either: it stays where it was given for. */
function keptSecret(
  before: UpstreamRecord | null,
  { url, username, tokenHost }: Omit<NewUpstream, 'password' | 'isPublic'>,
): string | null {
  if (before === null || before.secret === null || username === null) {
    return null;
  }
  const isSame =
    new URL(before.url).origin === new URL(url).origin &&
    before.username === username &&
    (tokenHost === null || before.tokenHost === tokenHost);
  if (!isSame) {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      'the password was given for another user name, URL or token host: give it again',
    );
  }
  return before.secret;
}

async function sealPassword(password: string, { adminPassword }: UpstreamRules): Promise<string> {
  if (adminPassword === '') {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      'there is no ADMIN_PASSWORD to encrypt a password under: set one',
    );
  }
  return await seal(password, adminPassword);
}

function withoutSecret({ secret: _, ...upstream }: UpstreamRecord): Upstream {
  return upstream;
}
