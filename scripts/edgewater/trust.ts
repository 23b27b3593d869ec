import { type Command, InvalidArgumentError } from 'commander';
import { apiPath } from './api.ts';
import { UsageError } from './errors.ts';
import { addGrant, formatGrants, type Grant } from './options.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';

/** What a claim has to be: one of these globs. */
type Claims = Record<string, string[]>;

interface TrustRule {
  name: string;
  issuer: string;
  audience: string;
  claims: Record<string, string | string[]>;
  grants: Grant[];
  createdAt: string;
}

interface NewTrustRule {
  issuer?: string;
  audience?: string;
  claim?: Claims;
  github?: string;
  allow: Grant[];
}

/** https://docs.github.com/en/actions/concepts/security/openid-connect */
const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com';

const COLUMNS: Columns<TrustRule> = {
  rule: (rule) => rule.name,
  issuer: (rule) => rule.issuer,
  audience: (rule) => rule.audience,
  claims: (rule) => formatClaims(rule.claims),
  allows: (rule) => formatGrants(rule.grants),
};

/** trust list, create, delete. */
export function addTrustCommands(program: Command): void {
  const group = program
    .command('trust')
    .description('CI jobs that log in with the identity token of their issuer, without a secret');
  group.command('list <namespace>').description('list rules').action(list);
  group
    .command('create <namespace> <rule>')
    .description('trust the tokens of an issuer that have all these claims')
    .option('--issuer <url>', 'who signs the tokens')
    .option('--audience <text>', 'whom the tokens have to be for; else the URL of the registry')
    .option(
      '--claim <name=glob>',
      'a claim they need; repeated for one claim: any of them',
      addClaim,
    )
    .option('--github <owner/repository>', 'the issuer and claim of GitHub Actions', parseGitHub)
    .requiredOption('--allow <actions:glob>', 'as pull,push:acme/**; repeatable', addGrant)
    .action(create);
  group
    .command('delete <namespace> <rule>')
    .description('remove a rule; what was got by it ends')
    .action(remove);
}

async function list(namespace: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/namespaces/${namespace}/trust-rules`;
  output.list(await api.list<TrustRule>(path, 'trustRules'), COLUMNS);
}

async function create(
  namespace: string,
  name: string,
  options: NewTrustRule,
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const body = {
    name,
    issuer: issuerOf(options),
    audience: options.audience ?? api.registry,
    claims: claimsOf(options),
    grants: options.allow,
  };
  const path = apiPath`/namespaces/${namespace}/trust-rules`;
  output.item(await api.send<TrustRule>('POST', path, body), COLUMNS);
}

async function remove(
  namespace: string,
  name: string,
  _: unknown,
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  await api.send('DELETE', apiPath`/namespaces/${namespace}/trust-rules/${name}`);
  output.done(`The trust rule ${name} of ${namespace} is removed`);
}

function issuerOf({ issuer, github }: NewTrustRule): string {
  const url = issuer ?? (github === undefined ? undefined : GITHUB_ISSUER);
  if (url === undefined) {
    throw new UsageError('say whom to trust: --issuer, or --github');
  }
  return url;
}

function claimsOf({ claim = {}, github }: NewTrustRule): Claims {
  const claims = github === undefined ? claim : { ...claim, repository: [github] };
  if (Object.keys(claims).length === 0) {
    throw new UsageError('say which tokens to trust: at least one --claim, or --github');
  }
  return claims;
}

function formatClaims(claims: TrustRule['claims']): string {
  return Object.entries(claims)
    .map(([name, globs]) => `${name}=${[globs].flat().join('|')}`)
    .join(' ');
}

function addClaim(text: string, previous: Claims = {}): Claims {
  const [, name = '', glob = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === '' || name === '__proto__') {
    throw new InvalidArgumentError('It has to be as ref=refs/heads/main.');
  }
  return { ...previous, [name]: [...(previous[name] ?? []), glob] };
}

function parseGitHub(text: string): string {
  if (!/^[\w.-]+\/[\w.-]+$/.test(text)) {
    throw new InvalidArgumentError('It has to be as octo-org/app.');
  }
  return text;
}
