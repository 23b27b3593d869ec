/**
 * Tries docs/import.md against a registry of another make: fills Debian's docker-registry with images,
 * imports all of them with the CLI, pushes them back under other names, and compares every digest and
 * what is listed as referring to it.
 *
 *     node scripts/import-trial.ts --images 200
 *
 * Needs `docker-registry` (apt install docker-registry) in the PATH. Exit code 1 when anything differs.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual, parseArgs, promisify } from 'node:util';
import { digestOf, fill, listReferrers } from './import-trial/fill.ts';
import { startRegistry } from './registry/local-registry.ts';
import { waitForPort } from './registry/port.ts';

const PASSWORD = 'a password for this trial';
const CLI = resolve(import.meta.dirname, 'edgewater.ts');

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '200' },
    layer: { type: 'string', default: '65536' },
  },
});

const folder = await mkdtemp(join(tmpdir(), 'edgewater-import-'));
const port = await waitForPort(0, '127.0.0.1');
const config = join(folder, 'config.yml');
await writeFile(
  config,
  `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${join(folder, 'old')}}}
http: {addr: "127.0.0.1:${port}"}
`,
);
const old = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
const registry = await startRegistry({
  port: 0,
  host: '127.0.0.1',
  state: join(folder, 'state'),
  log: 'off',
  adminPassword: PASSWORD,
  variables: { PRIVATE_UPSTREAMS: 'true' },
});

const source = `http://127.0.0.1:${port}`;
const authorization = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`;

try {
  await untilReady(source);
  const images = await fill(source, Number(values.images), Number(values.layer));
  console.log(`${images.length} tags in docker-registry`);
  const set = await fetch(`${registry.url}/api/v1/upstreams/old.example.com`, {
    method: 'PUT',
    headers: { authorization, 'Content-Type': 'application/json' },
    body: JSON.stringify({ url: source }),
  });
  if (!set.ok) {
    throw new Error(await set.text());
  }
  for (const time of ['the first import', 'the same again']) {
    const started = performance.now();
    const said = await edgewater('import', 'old.example.com/team', '--to', 'acme', '--all');
    const seconds = (performance.now() - started) / 1000;
    console.log(`${time}: ${said.trim()} in ${seconds.toFixed(1)} s`);
  }
  const pushing = performance.now();
  await edgewater(
    'replication',
    'set',
    'back',
    '--from',
    'acme',
    '--to',
    'old.example.com/back',
    '--all',
  );
  const id = (await edgewater('replication', 'run', 'back')).trim();
  const pushed = await untilEnded(id);
  const pushSeconds = (performance.now() - pushing) / 1000;
  console.log(
    `pushed back: ${pushed.copied} tags, ${pushed.failed} failed in ${pushSeconds.toFixed(1)} s`,
  );
  let different = 0;
  let unlisted = 0;
  for (const { repository, tag, digest, referrer } of images) {
    const copied = repository.replace(/^team\//, 'acme/');
    const found = await digestOf(registry.url, copied, tag, { authorization });
    const target = repository.replace(/^team\//, 'back/');
    const back = await digestOf(source, target, tag);
    different += found === digest && back === digest ? 0 : 1;
    if (referrer !== undefined) {
      const listed = `referrers/${digest}`;
      const here = await listReferrers(registry.url, copied, listed, { authorization });
      const there = await listReferrers(source, target, `manifests/${digest.replace(':', '-')}`);
      unlisted += [here, there].every((list) => isDeepStrictEqual(list, [referrer])) ? 0 : 1;
    }
  }
  console.log(
    `${images.length - different} digests are equal, there and back, ${different} are not`,
  );
  console.log(`${unlisted} images have other referrers than they had, here or there`);
  process.exitCode = different + unlisted === 0 ? 0 : 1;
} finally {
  old.kill();
  await registry.stop();
  await rm(folder, { recursive: true, force: true });
}

async function edgewater(...args: string[]): Promise<string> {
  const env = {
    ...process.env,
    EDGEWATER_URL: registry.url,
    EDGEWATER_USER: 'admin',
    EDGEWATER_PASSWORD: PASSWORD,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args], { env });
  return stdout;
}

async function untilEnded(id: string): Promise<{ copied: number; failed: number }> {
  for (;;) {
    const transfer = JSON.parse(await edgewater('transfer', 'show', id, '--json'));
    if (transfer.state !== 'running') {
      return transfer;
    }
    await new Promise((done) => setTimeout(done, 500));
  }
}

async function untilReady(url: string): Promise<void> {
  for (let left = 100; ; left--) {
    const response = await fetch(`${url}/v2/`).catch(() => null);
    if (response?.ok) {
      return;
    }
    if (left === 0) {
      throw new Error('docker-registry does not answer');
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}
