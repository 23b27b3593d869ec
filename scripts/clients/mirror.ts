import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { Api, type Login } from '../edgewater/api.ts';
import type { Bench } from './bench.ts';
import { makeCertificate } from './certificate.ts';
import { requireRoot } from './commands.ts';
import { ContainerStore } from './container-store.ts';
import { connection, startContainerd } from './ctr.ts';
import { digestOfFile } from './digest.ts';
import { startDockerd } from './docker.ts';
import { EDGE_LIMIT, Edge } from './edge.ts';
import { type Layout, writeIndex } from './image.ts';
import { makeLayer } from './layer.ts';
import { type MirrorRegistry, startMirrorRegistry } from './mirror-registry.ts';
import type { ClientSuite } from './suite.ts';
import { startUpstream, type UpstreamRegistry } from './upstream-registry.ts';

const PUBLIC = 'docker.io'; // for dockerd sends mirrors no login
const PRIVATE = 'private.example';
const STRANGER = 'stranger.example'; // nobody that we trust vouches for it

/** What each mirror is asked for; they share nothing. */
const REPOSITORY_OF = { [PUBLIC]: 'library/app', [PRIVATE]: 'team/app' };

const REPOSITORIES = ['acme/app', ...Object.values(REPOSITORY_OF)];

type MirrorName = keyof typeof REPOSITORY_OF;

/** The three doors to a mirror of Docker Hub, whose place a registry of this suite's own takes. */
export const mirror: ClientSuite = {
  name: 'mirror',
  async isAvailable() {
    const clients = [
      'dockerd',
      'ctr',
      'containerd',
      'podman',
      'skopeo',
      'docker-registry',
      'openssl',
    ];
    const all = await requireRoot('docker', ...clients);
    return 'why' in all ? all : { version: '' };
  },
  async actions(bench) {
    const image = await writeIndex(bench, 'image', {
      amd64: await makeLayer(bench, 3_000_000),
      arm64: await makeLayer(bench, 300_000),
    });
    const upstream = await startUpstream(bench, image, REPOSITORIES);
    const { authority: _, ...tls } = await makeCertificate(bench, 'stranger');
    const stranger = await Edge.start({ to: bench.url, limit: 0, tls });
    bench.defer(async () => stranger.stop());
    const { url, login, authority } = upstream;
    const registry = await startMirrorRegistry(bench, {
      authority,
      defaultMirror: PUBLIC,
      mirrors: {
        [PUBLIC]: { url, ...login, isPublic: true },
        [PRIVATE]: { url, ...login },
        [STRANGER]: { url: stranger.url, ...login },
      },
    });
    const edge = await Edge.start({ to: registry.url, limit: EDGE_LIMIT });
    bench.defer(async () => edge.stop());
    await startDockerd(bench, `--registry-mirror=${registry.url}`);
    await startContainerd(bench);
    const doors = doorsTo(bench.at(registry.url), image, edge, registry.admin);
    return [
      ...doors,
      { name: 'each blob was fetched once', run: () => expectSingleFetches(upstream, image) },
      {
        name: 'a certificate of a CA that nobody trusts',
        run: () => expectStranger(bench.at(registry.url), stranger, registry),
      },
      { name: 'stop the upstream', run: async () => upstream.stop() },
      ...doors.map(({ name, run }) => ({ name: `${name}, upstream stopped`, run })),
    ];
  },
};

function doorsTo(bench: Bench, image: Layout, edge: Edge, admin: Login) {
  const { host } = bench;
  return [
    { name: 'dockerd, registry-mirrors', run: () => pullByDocker(bench, image, 'app') },
    { name: 'dockerd, of a namespace', run: () => pullByDocker(bench, image, 'acme/app') },
    { name: 'docker, by the path', run: () => pullByDocker(bench, image, `${host}/docker.io/app`) },
    { name: 'ctr, hosts.toml', run: () => pullByContainerd(bench, image, edge, PUBLIC) },
    {
      name: 'ctr, hosts.toml with a login',
      run: () => pullByContainerd(bench, image, edge, PRIVATE, admin),
    },
    { name: 'podman, registries.conf', run: () => pullByPodman(bench, image, PUBLIC) },
    {
      name: 'podman, registries.conf with a login',
      async run() {
        await bench.logIn(admin, 'podman', ['login', '--tls-verify=false']);
        await pullByPodman(bench, image, PRIVATE);
        await bench.run('podman', ['logout', host]);
      },
    },
    { name: 'skopeo, by the path', run: () => copyBySkopeo(bench, image, host, 'app') },
    {
      // Of what has the digests of another image dockerd may have some at hand, and not ask for it.
      name: 'skopeo, of a namespace',
      run: () => copyBySkopeo(bench, image, host, 'acme/app'),
    },
  ];
}

async function pullByDocker(bench: Bench, { config }: Layout, name: string): Promise<void> {
  await bench.run('docker', ['pull', `${name}:v1`]);
  const inspect = ['inspect', '--format', '{{.Id}}', `${name}:v1`];
  assert.equal((await bench.run('docker', inspect)).trim(), config.digest, 'the image ID');
  await bench.run('docker', ['rmi', '--force', config.digest]);
}

let stores = 0;

async function pullByContainerd(
  bench: Bench,
  { root }: Layout,
  edge: Edge,
  name: MirrorName,
  login?: Login,
): Promise<void> {
  const hosts = bench.path('hosts');
  await mkdir(`${hosts}/${name}`, { recursive: true });
  const pair = login && Buffer.from(`${login.username}:${login.password}`).toString('base64');
  await writeFile(
    `${hosts}/${name}/hosts.toml`,
    `server = "https://${name}"

[host."${edge.url}"]
  capabilities = ["pull", "resolve"]
${pair === undefined ? '' : `  [host."${edge.url}".header]\n    authorization = "Basic ${pair}"\n`}`,
  );
  const before = edge.seen.length;
  const at = connection(bench, `mirror-${++stores}`);
  const pull = ['images', 'pull', '--snapshotter', 'native', '--hosts-dir', hosts];
  await bench.run('ctr', [...at, ...pull, `${name}/${REPOSITORY_OF[name]}:v1`]);
  const images = await bench.run('ctr', [...at, 'images', 'ls']);
  assert.ok(images.includes(root.digest), `no ${root.digest} in ${images}`);
  const asked = edge.seen
    .slice(before)
    .filter(({ path }) => path.startsWith(`/v2/${REPOSITORY_OF[name]}/`));
  assert.ok(asked.length > 0, 'it did not ask the mirror');
  assert.deepEqual(
    asked.filter(({ path }) => !path.endsWith(`?ns=${name}`)),
    [],
    'it asked without ns',
  );
}

async function pullByPodman(bench: Bench, { config }: Layout, name: MirrorName): Promise<void> {
  const file = bench.path('registries.conf');
  await writeFile(
    file,
    `[[registry]]
prefix = "${name}"
location = "${name}"

[[registry.mirror]]
location = "${bench.host}/${name}"
insecure = true
`,
  );
  bench.context.env.CONTAINERS_REGISTRIES_CONF = file;
  const store = new ContainerStore(bench, 'podman', `mirror-${++stores}`);
  assert.equal(
    await store.pull(`docker://${name}/${REPOSITORY_OF[name]}:v1`),
    config.digest,
    'the ID',
  );
}

async function copyBySkopeo(
  bench: Bench,
  { config }: Layout,
  host: string,
  name: string,
): Promise<void> {
  const to = bench.path(`copied-${++stores}`);
  const from = `docker://${host}/docker.io/${name}:v1`;
  const options = ['--insecure-policy', 'copy', '--src-tls-verify=false'];
  await bench.run('skopeo', [...options, from, `oci:${to}:v1`]);
  const inspect = ['inspect', '--config', '--raw', `oci:${to}:v1`];
  const output = bench.path('config.json');
  await bench.run('skopeo', inspect, { output });
  assert.equal(await digestOfFile(output), config.digest, 'the config');
}

/** What nobody asked for stays at the upstream: the other platform of the index. */
async function expectSingleFetches({ seen }: UpstreamRegistry, image: Layout): Promise<string> {
  const fetched = seen
    .filter(({ method, headers }) => method === 'GET' && headers.authorization !== undefined)
    .map(({ path }) => path);
  const blobs = fetched.filter((path) => path.includes('/blobs/'));
  assert.deepEqual([...new Set(blobs)], blobs, 'a blob was fetched twice');
  const manifests = fetched.filter((path) => path.includes('/manifests/sha256:'));
  const others = manifests.filter((path) => !path.endsWith(image.image.digest));
  assert.deepEqual(others, [], 'manifests that nobody asked for');
  return `${blobs.length} blobs, ${manifests.length} manifests by digest`;
}

/** It sees no request, who asks is told why, and the mirror has nothing of it. Clients hide what a 503 says. */
async function expectStranger(bench: Bench, { seen }: Edge, { url, admin }: MirrorRegistry) {
  const name = `${STRANGER}/team/app`;
  const login = ['--tls-verify=false', '--creds', `${admin.username}:${admin.password}`];
  const inspect = ['inspect', '--raw', ...login, `docker://${bench.host}/${name}:v1`];
  assert.match(await bench.runToFailure('skopeo', inspect), /503/);
  const api = new Api(url, admin);
  const headers = api.authorization;
  const answer = await fetch(`${url}/v2/${name}/manifests/v1`, { headers });
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /no TLS certificate that is trusted here/);
  assert.deepEqual(seen, []);
  await assert.rejects(api.tags(name), /no such repository/);
}
