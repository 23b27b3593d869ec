import { RegistryError } from '../oci/errors.ts';
import type { RetentionPolicy, RetentionSettings } from '../storage/metadata/retention.ts';
import type { Context } from './context.ts';
import { unknownNamespace } from './namespaces.ts';

/** The policy of a namespace. @throws ACCOUNT_UNKNOWN when there is none */
export async function getRetention(
  { metadata }: Context,
  namespace: string,
): Promise<RetentionPolicy> {
  const policy = await metadata.retention.find(namespace);
  if (policy === null) {
    throw noPolicy();
  }
  return policy;
}

/** Sets the policy of a namespace, whose rules were checked. @throws ACCOUNT_UNKNOWN */
export async function setRetention(
  context: Context,
  namespace: string,
  settings: RetentionSettings,
): Promise<RetentionPolicy> {
  const { metadata, actor } = context;
  const entry = {
    event: 'retention.set',
    namespace,
    target: namespace,
    before: toText(await metadata.retention.find(namespace)),
    after: toText(settings),
  };
  if (!(await metadata.retention.set(namespace, settings, actor, entry))) {
    throw unknownNamespace();
  }
  return getRetention(context, namespace);
}

/** Removes the policy of a namespace. @throws ACCOUNT_UNKNOWN when there is none */
export async function removeRetention(
  { metadata, actor }: Context,
  namespace: string,
): Promise<void> {
  const entry = {
    event: 'retention.remove',
    namespace,
    target: namespace,
    before: toText(await metadata.retention.find(namespace)),
  };
  if (!(await metadata.retention.delete(namespace, actor, entry))) {
    throw noPolicy();
  }
}

/**
 * Makes the policy of a namespace due now.
 *
 * @throws ACCOUNT_UNKNOWN when there is none, ACCOUNT_INVALID when it is disabled
 */
export async function startRetention(
  context: Context,
  namespace: string,
): Promise<RetentionPolicy> {
  const { metadata, actor } = context;
  const entry = { event: 'retention.run', namespace, target: namespace };
  if (await metadata.retention.start(namespace, actor, entry)) {
    return getRetention(context, namespace);
  }
  await getRetention(context, namespace);
  throw new RegistryError(
    'ACCOUNT_INVALID',
    'the retention policy is disabled: enable it, or see with a preview what it would do',
  );
}

function noPolicy(): RegistryError {
  return new RegistryError('ACCOUNT_UNKNOWN', 'the namespace has no retention policy');
}

/** What the audit log says of a policy. */
function toText(settings: RetentionSettings | null): string | null {
  if (settings === null) {
    return null;
  }
  const { isEnabled, everyHours, rules } = settings;
  return JSON.stringify({ isEnabled, everyHours, rules: JSON.parse(rules) });
}
