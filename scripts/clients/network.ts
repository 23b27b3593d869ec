import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import type { Bench } from './bench.ts';
import { requireRoot } from './commands.ts';
import { startDockerd } from './docker.ts';
import { FaultyLine, type LineFault } from './faulty-line.ts';
import { type Layout, writeDockerArchive, writeImage } from './image.ts';
import { type Layer, makeLayers } from './layer.ts';
import { logInAsRobot } from './login-actions.ts';
import { manifestStatus, verifyRemote } from './remote.ts';
import type { Action, ClientSuite } from './suite.ts';

const LAYERS = 5;
const SIZE = 10e6; // bytes of each
const TIMEOUT = 60_000; // milliseconds of one attempt
const ATTEMPTS = 6; // after which a client that gave up is not started again
const SILENCE = 2000; // milliseconds

const PLAN: readonly LineFault[] = [
  { kind: 'cut', after: 4e6 },
  { kind: 'silence', after: 0, lasts: SILENCE }, // accepted, never answered
  { kind: 'delay', milliseconds: 5 },
  { kind: 'reset', after: 7e6 },
  { kind: 'silence', after: 9_999_000, lasts: SILENCE }, // the end of a layer is swallowed
  { kind: 'reset', after: 300 }, // in the head of the first request
];

/** docker and skopeo on a line that breaks: they end well, and what they leave half done is not seen. */
export const network: ClientSuite = {
  name: 'network',
  async isAvailable() {
    const all = await requireRoot('docker', 'dockerd', 'skopeo');
    return 'why' in all ? all : { version: '' };
  },
  async actions(bench) {
    const line = await FaultyLine.start(bench.url);
    bench.defer(async () => line.stop());
    await startDockerd(bench);
    const layers = await makeLayers(bench, LAYERS, SIZE);
    return [
      ...(await dockerActions(bench, line, layers)),
      ...skopeoActions(bench, line, await writeImage(bench, 'image', layers)),
    ];
  },
};

async function dockerActions(
  bench: Bench,
  line: FaultyLine,
  layers: readonly Layer[],
): Promise<Action[]> {
  const at = bench.at(line.url);
  await logInAsRobot(at, { logIn: (login) => at.logIn(login, 'docker', ['login']) });
  const reference = at.remote('docker:v1');
  const { archive, id } = await writeDockerArchive(bench, reference, layers);
  await bench.run('docker', ['load', '--input', archive]);
  await rm(archive);
  return [
    {
      name: 'docker: push 50 MB',
      async run() {
        const remark = await untilDone(line, bench, 'docker', () =>
          bench.run('docker', ['push', reference], { timeout: TIMEOUT }),
        );
        assert.equal((await verifyRemote(bench, 'docker', 'v1')).config?.digest, id);
        return remark;
      },
    },
    {
      name: 'docker: pull 50 MB',
      async run() {
        await bench.run('docker', ['rmi', '--force', id]);
        const remark = await untilDone(line, bench, 'docker', () =>
          bench.run('docker', ['pull', reference], { timeout: TIMEOUT }),
        );
        const inspect = ['inspect', '--format', '{{.Id}} {{json .RootFS.Layers}}', reference];
        const diffIds = JSON.stringify(layers.map(({ diffId }) => diffId));
        assert.equal((await bench.run('docker', inspect)).trim(), `${id} ${diffIds}`);
        return remark;
      },
    },
  ];
}

function skopeoActions(bench: Bench, line: FaultyLine, { folder, tag, root }: Layout): Action[] {
  const layout = `oci:${folder}:${tag}`;
  const remote = `docker://${bench.at(line.url).remote('skopeo')}:v1`;
  const { username = '', password = '' } = bench.accounts?.robot ?? {};
  const login = (side: string) => [`--${side}-creds`, `${username}:${password}`];
  const copy = (...args: string[]) =>
    bench.run('skopeo', ['--insecure-policy', 'copy', '--retry-times', '3', ...args], {
      timeout: TIMEOUT,
    });
  return [
    {
      name: 'skopeo: copy 50 MB',
      async run() {
        const remark = await untilDone(line, bench, 'skopeo', () =>
          copy('--dest-tls-verify=false', ...login('dest'), layout, remote),
        );
        assert.equal((await verifyRemote(bench, 'skopeo', 'v1')).digest, root.digest);
        return remark;
      },
    },
    {
      name: 'skopeo: copy 50 MB back',
      async run() {
        const back = `oci:${bench.path('back')}:v1`;
        const remark = await untilDone(line, bench, 'skopeo', () =>
          copy('--src-tls-verify=false', ...login('src'), remote, back),
        );
        const raw = bench.path('raw.json');
        await bench.run('skopeo', ['inspect', '--raw', back], { output: raw });
        const digest = await bench.run('skopeo', ['manifest-digest', raw]);
        assert.equal(digest.trim(), root.digest);
        return remark;
      },
    },
  ];
}

/**
 * Starts a client again when it gives up; each time the registry must have all of the image or none.
 *
 * @throws Error what the client said, when it gives up too often
 */
async function untilDone(
  line: FaultyLine,
  bench: Bench,
  name: string,
  work: () => Promise<unknown>,
): Promise<string> {
  line.begin(PLAN);
  let attempts = 1;
  for (;;) {
    try {
      await work();
      break;
    } catch (error) {
      if (attempts === ATTEMPTS) {
        throw error;
      }
      await expectAllOrNothing(bench, name);
      attempts += 1;
    }
  }
  assert.ok(line.met.size > 0, 'nothing went wrong on the line');
  const faults = [...line.met].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}; ${faults}`;
}

async function expectAllOrNothing(bench: Bench, name: string): Promise<void> {
  if ((await manifestStatus(bench, name, 'v1')) !== 404) {
    await verifyRemote(bench, name, 'v1');
  }
}
