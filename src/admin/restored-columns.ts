/**
 * What the columns of a backup can be, beyond their types: what the registry itself would have stored. It
 * reads them without looking again.
 */
import { z } from 'zod';
import { isMediaTypeLike } from '../oci/descriptor.ts';
import { isDigest, isSubjectDigest } from '../oci/digest.ts';
import { isTag } from '../oci/reference.ts';
import { isRepositoryName } from '../oci/repository-name.ts';
import { grants, tagGlobs } from './fields.ts';
import { restoreDays } from './namespaces.ts';
import { networkSchema } from './network.ts';
import { InputError, type InputProblem } from './problem.ts';
import { warningPercent } from './quotas.ts';
import { everyHours } from './retention.ts';
import { retentionRules } from './retention-rules.ts';
import { claims } from './trust-rules.ts';
import { upstreamSettings } from './upstreams.ts';

type Check = (value: unknown) => boolean;

/** More is no id, and no count either. */
const MAX_NUMBER = 10 ** 12;
const MAX_TIME = 253_402_300_799; // 9999-12-31, in seconds since the epoch

const text =
  (check: (value: string) => boolean): Check =>
  (value) =>
    typeof value === 'string' && check(value);

const upTo =
  (maximum: number): Check =>
  (value) =>
    Number(value) >= 0 && Number(value) <= maximum;

const json = (schema: z.ZodType): Check =>
  text((value) => {
    try {
      return schema.safeParse(JSON.parse(value)).success;
    } catch {
      return false;
    }
  });

const { shape: upstream } = upstreamSettings;

const fits =
  (schema: z.ZodType): Check =>
  (value) =>
    schema.safeParse(value).success;

/** A config and as many layers as a manifest may have. */
const MAX_NAMED = 10_001;

const digest = text(isDigest);
const digests: Check = (value) =>
  z.array(z.string().refine(isDigest)).max(MAX_NAMED).safeParse(value).success;
const tag = text(isTag);
const namespace = text((value) => isRepositoryName(value) && !value.includes('/'));

/** Of this table, or of all. */
const CHECKS: Readonly<Record<string, Check>> = {
  digest,
  previous: digest,
  subject_digest: text(isSubjectDigest),
  blobs: digests,
  children: digests,
  namespace,
  'audit.namespace': () => true,
  'namespaces.name': namespace,
  'tags.name': tag,
  'tag_history.name': tag,
  'pulls.reference': text((value) => isTag(value) || isDigest(value)),
  r2_key: text((value) => /^(?:blobs|manifests)\/[\w.-]{1,128}$/.test(value)),
  media_type: text(isMediaTypeLike),
  artifact_type: text(isMediaTypeLike),
  password: text(isPasswordHash),
  network: json(networkSchema),
  limits: json(z.array(z.array(grants.element))),
  grants: json(z.array(grants.element)), // a workload's may be of several rules
  claims: json(claims),
  immutable: json(tagGlobs),
  exceptions: json(tagGlobs),
  rules: json(retentionRules),
  quota_bytes: upTo(Number.MAX_SAFE_INTEGER),
  'unfetched_content.size': upTo(Number.MAX_SAFE_INTEGER), // as a manifest says
  quota_warning: fits(warningPercent),
  manifest_digest: digest,
  'unfetched_content.kind': fits(z.enum(['blob', 'external', 'manifest'])),
  'upstream_tags.name': tag,
  'upstreams.url': fits(upstream.url),
  'upstreams.username': fits(upstream.username),
  'upstreams.repositories': json(upstream.repositories),
  'upstreams.platforms': json(upstream.platforms),
  token_host: fits(upstream.tokenHost),
  tag_max_age: fits(upstream.tagMaxAge),
  missing_max_age: fits(upstream.missingMaxAge),
  keep_bytes: fits(upstream.keepBytes),
  on_missing: fits(upstream.onMissing),
  on_failure: fits(upstream.onFailure),
  restore_days: fits(restoreDays),
  every_hours: fits(everyHours),
};

/** A deleted repository, and no other, has both times, and its id before its name. */
function isRepository(row: Readonly<Record<string, unknown>>): boolean {
  const isDeleted = String(row.name).startsWith('!');
  const times = [row.deleted_at ?? null, row.expires_at ?? null];
  return (
    isRepositoryName(nameOf(row)) &&
    times.every((time) => (time !== null) === isDeleted) &&
    (!isDeleted || row.name === `!${row.id}/${nameOf(row)}`)
  );
}

/** The name of a repository without the id of a deleted one. */
function nameOf({ name }: Readonly<Record<string, unknown>>): string {
  return String(name).replace(/^!\d{1,13}\//, '');
}

/** Looks at every value of rows of a table. @throws InputError that says which cannot be */
export function checkColumns(
  table: string,
  rows: readonly Readonly<Record<string, unknown>>[],
): void {
  const problems: InputProblem[] = rows.flatMap((row, at) =>
    Object.entries(row)
      .filter(([column, value]) => value !== null && !checkOf(table, column, row)(value))
      .map(([column]) => ({
        pointer: `/rows/${at}/${column}`,
        detail: `${table}.${column} cannot be this: the backup is damaged`,
      })),
  );
  if (problems.length > 0) {
    throw new InputError(problems);
  }
}

function checkOf(table: string, column: string, row: Readonly<Record<string, unknown>>): Check {
  if (table === 'repositories' && column === 'namespace') {
    return text((value) => value === nameOf(row).split('/', 1)[0]);
  }
  if (table === 'repositories' && column === 'name') {
    return () => isRepository(row);
  }
  const known = CHECKS[`${table}.${column}`] ?? CHECKS[column];
  if (known !== undefined || typeof row[column] !== 'number') {
    return known ?? (() => true);
  }
  return upTo(/(?:^|_)(?:at|until)$/.test(column) ? MAX_TIME : MAX_NUMBER);
}

/** Whether verifying a password by it can succeed: auth/passwords.ts. */
function isPasswordHash(hash: string): boolean {
  const [, N, r, p] =
    /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$[\w+/=]{1,64}\$[\w+/=]{1,88}$/
      .exec(hash)
      ?.map(Number) ?? [];
  return (
    N !== undefined &&
    r !== undefined &&
    p !== undefined &&
    N > 1 &&
    Number.isInteger(Math.log2(N)) &&
    r > 0 &&
    p > 0 &&
    N * r * p <= 2 ** 20
  );
}
