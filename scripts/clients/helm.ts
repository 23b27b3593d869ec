import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { digestOfFile } from './digest.ts';
import { installGoClient } from './go-clients.ts';
import { logInAsRobot } from './login-actions.ts';
import { verifyRemote } from './remote.ts';
import type { ClientSuite } from './suite.ts';

/** helm, with a chart of one template. */
export const helm: ClientSuite = {
  name: 'helm',
  isAvailable: () => installGoClient('helm'),
  async actions(bench) {
    await writeChart(bench.path('chart'));
    bench.context.env.HELM_REGISTRY_CONFIG = bench.dockerConfig; // keeps helm from the keyring
    await logInAsRobot(bench, {
      logIn: (login) => bench.logIn(login, 'helm', ['registry', 'login', HTTP]),
    });
    return [
      { name: 'package', run: () => packageAll(bench) },
      { name: 'push', run: () => push(bench) },
      { name: 'pull', run: () => pull(bench) },
      { name: 'newest version in a range', run: () => pullRange(bench) },
      { name: 'show chart', run: () => show(bench) },
      { name: 'template', run: () => template(bench) },
      { name: 'dependency from the registry', run: () => depend(bench) },
    ];
  },
};

const NAME = 'lamp';
const VERSIONS = ['1.0.0', '1.2.0', '1.10.0+build.7']; // a tag cannot have the plus sign
const HTTP = '--plain-http';

async function writeChart(folder: string): Promise<void> {
  await mkdir(join(folder, 'templates'), { recursive: true });
  await writeFile(
    join(folder, 'Chart.yaml'),
    `apiVersion: v2\nname: ${NAME}\nversion: 0.0.1\ndescription: A chart of the client tests\n`,
  );
  await writeFile(
    join(folder, 'templates/config.yaml'),
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n',
  );
}

async function packageAll(bench: Bench): Promise<void> {
  for (const version of VERSIONS) {
    const to = ['--version', version, '--destination', bench.folder];
    await bench.run('helm', ['package', bench.path('chart'), ...to]);
  }
}

async function push(bench: Bench): Promise<void> {
  for (const version of VERSIONS) {
    const archive = bench.path(`${NAME}-${version}.tgz`);
    await bench.run('helm', ['push', HTTP, archive, `oci://${bench.remote('charts')}`]);
    const manifest = await verifyRemote(bench, `charts/${NAME}`, version.replace('+', '_'));
    assert.equal(manifest.config?.mediaType, 'application/vnd.cncf.helm.config.v1+json');
    assert.equal(manifest.layers?.[0]?.digest, await digestOfFile(archive));
  }
}

async function pull(bench: Bench): Promise<void> {
  for (const version of VERSIONS) {
    await pullAndCompare(bench, version, version);
  }
}

/** helm lists the tags to find the newest: 1.10.0, which sorts before 1.2.0 as text. */
async function pullRange(bench: Bench): Promise<void> {
  await pullAndCompare(bench, '~1.2', '1.2.0');
  await pullAndCompare(bench, '>=1.0.0', '1.10.0+build.7');
}

async function pullAndCompare(bench: Bench, wanted: string, found: string): Promise<void> {
  const folder = bench.path(`pulled-${wanted.replace(/\W/g, '-')}`);
  await mkdir(folder);
  await bench.run('helm', ['pull', HTTP, chart(bench), '--version', wanted, '-d', folder]);
  const file = `${NAME}-${found}.tgz`;
  assert.equal(await digestOfFile(join(folder, file)), await digestOfFile(bench.path(file)), file);
}

async function show(bench: Bench): Promise<void> {
  const text = await bench.run('helm', ['show', 'chart', HTTP, chart(bench)]);
  assert.match(text, /^version: 1\.10\.0\+build\.7$/m);
}

async function template(bench: Bench): Promise<void> {
  const args = ['template', 'kitchen', HTTP, chart(bench), '--version', '1.0.0'];
  assert.match(await bench.run('helm', args), /^ {2}name: kitchen$/m);
}

async function depend(bench: Bench): Promise<void> {
  const folder = bench.path('room');
  await mkdir(folder);
  const dependency = `{name: ${NAME}, version: ~1.2, repository: "oci://${bench.remote('charts')}"}`;
  const text = `apiVersion: v2\nname: room\nversion: 0.1.0\ndependencies: [${dependency}]\n`;
  await writeFile(join(folder, 'Chart.yaml'), text);
  await bench.run('helm', ['dependency', 'update', HTTP, folder]);
  const file = `${NAME}-1.2.0.tgz`;
  assert.equal(
    await digestOfFile(join(folder, 'charts', file)),
    await digestOfFile(bench.path(file)),
  );
}

function chart(bench: Bench): string {
  return `oci://${bench.remote(`charts/${NAME}`)}`;
}
