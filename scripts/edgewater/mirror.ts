import type { Command } from 'commander';
import { formatBytes } from './amount.ts';
import { apiPath } from './api.ts';
import { RefusalError, UsageError } from './errors.ts';
import { KNOWN_NAMES, knownRegistry } from './mirror/known-registries.ts';
import {
  addUpstreamOptions,
  readUpstream,
  type Upstream,
  type UpstreamOptions,
} from './mirror/settings.ts';
import { formatDuration } from './options.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';

/** How an upstream answered of late. */
interface Status {
  pausedUntil: string | null;
  limit: number | null;
  remaining: number | null;
  failedAt: string | null;
}

const COLUMNS: Columns<Upstream> = {
  mirror: ({ namespace }) => namespace,
  of: ({ url }) => url,
  login: ({ username }) => username,
  repositories: ({ repositories }) => repositories.join(' '),
  platforms: ({ platforms }) => platforms?.join(' ') ?? 'all',
  'tags asked for after': ({ tagMaxAge }) => formatDuration(tagMaxAge),
};

const ALL_COLUMNS: Columns<Upstream & { status: Status }> = {
  ...COLUMNS,
  'token host': ({ tokenHost }) => tokenHost,
  'missing asked for after': ({ missingMaxAge }) => formatDuration(missingMaxAge),
  keeps: ({ keepBytes }) => (keepBytes === null ? 'all' : formatBytes(keepBytes)),
  'tag gone there': ({ onMissing }) => (onMissing === 'keep' ? 'stays' : 'goes here too'),
  'no answer there': ({ onFailure }) => (onFailure === 'stale' ? 'what is here' : 'an error'),
  'requests left': ({ status: { limit, remaining } }) =>
    remaining === null ? null : `${remaining} of ${limit ?? 'an unknown number'}`,
  'paused until': ({ status }) => status.pausedUntil,
  'last failure': ({ status }) => status.failedAt,
};

/** mirror list, show, add, set, remove. */
export function addMirrorCommands(program: Command): void {
  const group = program.command('mirror').description('other registries, mirrored in a namespace');
  group.command('list').description('list mirrors').action(list);
  group
    .command('show <namespace>')
    .description('show a mirror, and how its upstream answered of late')
    .action(show);
  addUpstreamOptions(group.command('add <namespace>'))
    .description(`mirror a registry; without --url: ${KNOWN_NAMES.join(', ')}`)
    .option('--public', 'everybody may pull')
    .action(add);
  addUpstreamOptions(group.command('set <namespace>'))
    .description('change what is given; the rest stays')
    .action(set);
  group
    .command('remove <namespace>')
    .description('end a mirror; what was fetched stays in the namespace')
    .action(remove);
}

const pathOf = (namespace: string) => apiPath`/upstreams/${namespace}`;

async function list(_: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  output.list(await api.list<Upstream>(apiPath`/upstreams`, 'upstreams'), COLUMNS);
}

async function show(namespace: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const upstream = await api.get<Upstream>(pathOf(namespace));
  const status = await api.get<Status>(`${pathOf(namespace)}/status`);
  output.item({ ...upstream, status }, ALL_COLUMNS);
}

async function add(
  namespace: string,
  { public: isPublic, ...options }: UpstreamOptions & { public?: true },
  command: Command,
): Promise<void> {
  const known = options.url === undefined ? knownRegistry(namespace) : {};
  if (known === null) {
    throw new UsageError(`say by --url where ${namespace} is`);
  }
  const { api, output } = await openSession(command);
  const mirrors = await api.list<Upstream>(apiPath`/upstreams`, 'upstreams');
  if (mirrors.some((mirror) => mirror.namespace === namespace)) {
    throw new RefusalError(
      `${namespace} is a mirror already: "edgewater mirror set ${namespace}" changes what is given`,
    );
  }
  const body = { ...known, ...(await readUpstream(options)), isPublic };
  const upstream = await api.send<Upstream>('PUT', pathOf(namespace), body);
  output.done(`${namespace} is a mirror of ${upstream.url}`, upstream);
}

async function set(namespace: string, options: UpstreamOptions, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const { namespace: _, ...before } = await api.get<Upstream>(pathOf(namespace));
  const body = { ...before, ...(await readUpstream(options)) };
  output.item(await api.send<Upstream>('PUT', pathOf(namespace), body), COLUMNS);
}

async function remove(namespace: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  await api.send('DELETE', pathOf(namespace));
  output.done(`${namespace} is no mirror any more; what was fetched is still there`);
}
