import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { Bench } from './bench.ts';
import { installGoClient } from './go-clients.ts';
import { type Layout, writeImage } from './image.ts';
import { makeLayers } from './layer.ts';
import { logInAsRobot } from './login-actions.ts';
import { pushLayout } from './push-layout.ts';
import type { ClientSuite } from './suite.ts';

/** cosign with a key of its own: neither certificates nor a transparency log, so no internet. */
export const cosign: ClientSuite = {
  name: 'cosign',
  isAvailable: () => installGoClient('cosign'),
  async actions(bench) {
    Object.assign(bench.context.env, { COSIGN_PASSWORD: '', COSIGN_YES: 'true' });
    await logInAsRobot(bench, { logIn: (login) => bench.logIn(login, 'cosign', ['login']) });
    const signed = await writeImage(bench, 'signed', await makeLayers(bench, 1, 300_000));
    const unsigned = await writeImage(bench, 'unsigned', await makeLayers(bench, 1, 300_000));
    await pushLayout(bench, 'image', 'v1', signed);
    await pushLayout(bench, 'image', 'v2', unsigned);
    return [
      { name: 'generate-key-pair', run: () => prepare(bench) },
      { name: 'sign', run: () => sign(bench, signed) },
      { name: 'verify', run: () => verify(bench, signed) },
      { name: 'refuse an unsigned image', run: () => refuse(bench, at(bench, unsigned)) },
      { name: 'refuse another key', run: () => refuse(bench, at(bench, signed), 'other.pub') },
      { name: 'refuse a tag that moved', run: () => refuseMovedTag(bench, unsigned) },
      { name: 'attest an SBOM', run: () => attest(bench, signed) },
      { name: 'verify-attestation', run: () => verifyAttestation(bench, signed, unsigned) },
      { name: 'tree', run: () => showTree(bench, signed) },
      { name: 'attach an SBOM', run: () => attach(bench, signed) },
    ];
  },
};

const HTTP = '--allow-http-registry';
const OFFLINE = ['--signing-config', 'signing-config.json', '--trusted-root', 'trusted-root.json'];
const UNLOGGED = ['--insecure-ignore-tlog', '--trusted-root', 'trusted-root.json'];

/** Without files that name no service at all, cosign would ask those of sigstore.dev. */
async function prepare(bench: Bench): Promise<void> {
  await bench.run('cosign', ['generate-key-pair']);
  await bench.run('cosign', ['generate-key-pair', '--output-key-prefix', 'other']);
  await bench.run('cosign', ['signing-config', 'create', '--out', 'signing-config.json']);
  await bench.run('cosign', ['trusted-root', 'create', '--out', 'trusted-root.json']);
  await writeFile(bench.path('sbom.json'), '{"spdxVersion":"SPDX-2.3"}');
}

function at(bench: Bench, layout: Layout): string {
  return `${bench.remote('image')}@${layout.root.digest}`;
}

async function sign(bench: Bench, layout: Layout): Promise<void> {
  await bench.run('cosign', ['sign', HTTP, ...OFFLINE, '--key', 'cosign.key', at(bench, layout)]);
}

async function verify(bench: Bench, layout: Layout): Promise<void> {
  const args = ['verify', HTTP, ...UNLOGGED, '--key', 'cosign.pub', at(bench, layout)];
  const [signature] = JSON.parse(await bench.run('cosign', args));
  assert.equal(signature.critical.image['docker-manifest-digest'], layout.root.digest);
}

async function refuse(bench: Bench, reference: string, key = 'cosign.pub'): Promise<void> {
  const args = ['verify', HTTP, ...UNLOGGED, '--key', key, reference];
  assert.match(await bench.runToFailure('cosign', args), /signature/i);
}

/** A tag that named the signed image when it was verified comes to name another. */
async function refuseMovedTag(bench: Bench, unsigned: Layout): Promise<void> {
  const reference = bench.remote('image:v1');
  await bench.run('cosign', ['verify', HTTP, ...UNLOGGED, '--key', 'cosign.pub', reference]);
  await pushLayout(bench, 'image', 'v1', unsigned);
  await refuse(bench, reference);
}

async function attest(bench: Bench, layout: Layout): Promise<void> {
  const predicate = ['--type', 'spdxjson', '--predicate', 'sbom.json'];
  const args = [HTTP, ...OFFLINE, '--key', 'cosign.key', ...predicate, at(bench, layout)];
  await bench.run('cosign', ['attest', ...args]);
}

async function verifyAttestation(bench: Bench, signed: Layout, unsigned: Layout): Promise<void> {
  const args = ['verify-attestation', HTTP, ...UNLOGGED, '--key', 'cosign.pub'];
  args.push('--type', 'spdxjson');
  const { payload } = JSON.parse(await bench.run('cosign', [...args, at(bench, signed)]));
  const statement = Buffer.from(payload, 'base64').toString();
  assert.ok(statement.includes(signed.root.digest.replace('sha256:', '')), statement);
  assert.ok(statement.includes('SPDX-2.3'), statement);
  await bench.runToFailure('cosign', [...args, at(bench, unsigned)]);
}

async function showTree(bench: Bench, layout: Layout): Promise<void> {
  const tree = await bench.run('cosign', ['tree', HTTP, at(bench, layout)]);
  for (const part of ['cosign/sign', 'spdx']) {
    assert.ok(tree.includes(part), `no ${part} in ${tree}`);
  }
}

async function attach(bench: Bench, layout: Layout): Promise<void> {
  await bench.run('cosign', ['attach', 'sbom', HTTP, '--sbom', 'sbom.json', at(bench, layout)]);
}
