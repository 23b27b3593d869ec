import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import type { Bench } from './bench.ts';
import { requireRoot } from './commands.ts';
import { ContainerStore } from './container-store.ts';
import { connection, importLayouts, remoteOptions, startContainerd } from './ctr.ts';
import { startDockerd } from './docker.ts';
import { type Layout, writeDockerArchive, writeImage } from './image.ts';
import { type Layer, makeLayer } from './layer.ts';
import { CLI, type Line, openLine } from './line.ts';
import { logInAsRobot } from './login-actions.ts';
import { verifyRemote } from './remote.ts';
import type { Action, ClientSuite } from './suite.ts';

const LARGE = 300e6; // bytes: three times what the edge lets through
const TIMEOUT = 5 * 60_000; // milliseconds
/** What clients make of the edge's 413, and of a connection that it closes while they still send. */
const REFUSED = /413|invalid character|(?:closed|broken) pipe|connection reset/;

const CUT_EVERY = 2000; // milliseconds

/**
 * `edgewater proxy` and `edgewater push`, before an edge that refuses bodies above 100 MB: what
 * docker, podman and containerd push as they are, with and without connections that break.
 */
export const proxy: ClientSuite = {
  name: 'proxy',
  async isAvailable() {
    const all = await requireRoot('docker', 'dockerd', 'podman', 'ctr', 'containerd');
    return 'why' in all ? all : { version: '' };
  },
  async actions(bench) {
    const lines = {
      plain: await openLine(bench, 'plain'),
      cut: await openLine(bench, 'cut', CUT_EVERY),
    };
    await startDockerd(bench);
    await startContainerd(bench);
    const layer = await makeLayer(bench, LARGE);
    const layout = await writeImage(bench, 'image', [layer]);
    return [
      // podman first: it would not log in where docker has, whose token it finds
      ...clientActions(bench, lines, 'podman', await podmanPush(bench, layout)),
      ...clientActions(bench, lines, 'docker', await dockerPush(bench, layer)),
      ...clientActions(bench, lines, 'ctr', await ctrPush(bench, layout)),
      ...commandActions(bench, lines, layer, layout),
    ];
  },
};

type Lines = Readonly<Record<'plain' | 'cut', Line>>;

/** Pushes the large image by a client, to the registry of `at` under this name. */
type Push = (at: Bench, name: string) => Promise<unknown>;

function clientActions(bench: Bench, lines: Lines, client: string, push: Push): Action[] {
  const through = async (line: 'plain' | 'cut') => {
    const name = `${client}-${line}`;
    const cuts = lines[line].edge.cuts;
    const started = performance.now();
    await push(bench.at(lines[line].proxy), name);
    const seconds = (performance.now() - started) / 1000;
    await verifyRemote(bench, name, 'v1');
    const peak = Math.round((await lines[line].peak()) / 1e6);
    const broken = lines[line].edge.cuts - cuts;
    assert.equal(broken > 0, line === 'cut', `${broken} connections were cut`);
    const rate = (LARGE / 1e6 / seconds).toFixed(0);
    return `${rate} MB/s, ${broken} connections cut, the proxy had ${peak} MB at most`;
  };
  return [
    {
      name: `${client}: the edge refuses 300 MB`,
      run: () => assert.rejects(push(bench.at(lines.plain.edge.url), `${client}-edge`), REFUSED),
    },
    { name: `${client}: push 300 MB`, run: () => through('plain') },
    { name: `${client}: push 300 MB, cut every 2 s`, run: () => through('cut') },
  ];
}

async function dockerPush(bench: Bench, layer: Layer): Promise<Push> {
  const importing = ['import', '--change', 'CMD /none', layer.tar];
  const id = (await bench.run('docker', importing, { timeout: TIMEOUT })).trim();
  return async (at, name) => {
    await logInAsRobot(at, { logIn: (login) => at.logIn(login, 'docker', ['login']) });
    await at.run('docker', ['tag', id, `${at.remote(name)}:v1`]);
    await at.run('docker', ['push', `${at.remote(name)}:v1`], { timeout: TIMEOUT });
  };
}

async function podmanPush(bench: Bench, { folder, tag, config }: Layout): Promise<Push> {
  await new ContainerStore(bench, 'podman', 'main').pull(`oci:${folder}:${tag}`);
  return async (at, name) => {
    const store = new ContainerStore(at, 'podman', 'main');
    await logInAsRobot(
      at,
      store.loginClient(() => config.digest),
    );
    await store.push(config.digest, `${at.remote(name)}:v1`);
  };
}

/** As buildx does: one PUT of known length. */
async function ctrPush(bench: Bench, layout: Layout): Promise<Push> {
  await importLayouts(bench, { image: layout });
  const options = remoteOptions(bench.accounts?.robot ?? null);
  return (at, name) => {
    const names = [`${at.remote(name)}:v1`, `${bench.remote('image')}:v1`];
    const args = [...connection(bench, 'main'), 'images', 'push', ...options, ...names];
    return at.run('ctr', args, { timeout: TIMEOUT });
  };
}

function commandActions(bench: Bench, lines: Lines, layer: Layer, layout: Layout): Action[] {
  const push = async (line: Line, source: string, name: string) => {
    const { username = '', password = '' } = bench.accounts?.robot ?? {};
    const env = { EDGEWATER_USER: username, EDGEWATER_PASSWORD: password };
    const to = ['--registry', line.edge.url, 'push', source, `${bench.repository(name)}:v1`];
    const digest = await bench.run('node', [CLI, ...to], { env, timeout: TIMEOUT });
    const pushed = await verifyRemote(bench, name, 'v1');
    assert.equal(digest.trim(), pushed.digest, 'the digest that it prints');
    return pushed;
  };
  return [
    {
      name: 'edgewater push of a docker archive',
      async run() {
        const { archive, id } = await writeDockerArchive(bench, 'archive:v1', [layer]);
        const { config } = await push(lines.plain, archive, 'archive');
        assert.equal(config?.digest, id, 'the image ID');
        await rm(archive);
      },
    },
    {
      name: 'edgewater push of an OCI layout, cut every 2 s',
      async run() {
        const { digest } = await push(lines.cut, layout.folder, 'layout');
        assert.equal(digest, layout.root.digest, 'the digest of the image');
      },
    },
    {
      name: 'edgewater push of an image of docker’s',
      async run() {
        await push(
          lines.plain,
          `docker:${bench.at(lines.plain.proxy).remote('docker-plain')}:v1`,
          'daemon',
        );
      },
    },
  ];
}
