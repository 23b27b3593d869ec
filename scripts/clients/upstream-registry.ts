import { mkdir, writeFile } from 'node:fs/promises';
import type { Login } from '../edgewater/api.ts';
import { waitForPort } from '../registry/port.ts';
import type { Bench } from './bench.ts';
import { makeCertificate } from './certificate.ts';
import { startDaemon } from './daemon.ts';
import { Edge, type Fault, type Seen } from './edge.ts';
import type { Layout } from './image.ts';

/** A registry to be mirrored: distribution's, behind a token server, both by TLS. */
export interface UpstreamRegistry {
  url: string;
  authority: string; // the path of the certificate of the CA that vouches for it
  login: Login;
  seen: readonly Seen[]; // requests
  stop(): void; // nobody answers there any more
}

const TOKEN = 'a-token-of-the-upstream';

/** Starts one that has an image under these names; it is ended with the bench. */
export async function startUpstream(
  bench: Bench,
  { folder, tag }: Layout,
  repositories: readonly string[],
): Promise<UpstreamRegistry> {
  const behind = await startDistribution(bench);
  for (const repository of repositories) {
    const to = `docker://${new URL(behind).host}/${repository}:${tag}`;
    const options = ['--insecure-policy', 'copy', '--all', '--dest-tls-verify=false'];
    await bench.run('skopeo', [...options, `oci:${folder}:${tag}`, to]);
  }
  const login = { username: 'acme', password: 'a password of the upstream' };
  const { authority, ...tls } = await makeCertificate(bench, 'upstream');
  const edge = await Edge.start({ to: behind, limit: 0, tls });
  edge.options.fault = (request) => askForToken(request, edge.url, login);
  bench.defer(async () => edge.stop());
  return { url: edge.url, authority, login, seen: edge.seen, stop: () => edge.stop() };
}

async function startDistribution(bench: Bench): Promise<string> {
  const port = await waitForPort(0, '127.0.0.1');
  const config = bench.path('upstream.yml');
  const storage = bench.path('upstream');
  await mkdir(storage);
  await writeFile(
    config,
    `version: 0.1
storage:
  filesystem:
    rootdirectory: ${storage}
http:
  addr: 127.0.0.1:${port}
`,
  );
  const url = `http://127.0.0.1:${port}`;
  await startDaemon(bench, 'docker-registry', ['serve', config], () => fetch(`${url}/v2/`));
  return url;
}

/** What distribution's token.md says, for one user: https://distribution.github.io/distribution/spec/auth/token/ */
function askForToken({ path, headers }: Seen, url: string, login: Login): Fault | null {
  if (path.startsWith('/token?')) {
    const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64');
    return headers.authorization === `Basic ${basic}`
      ? { kind: 'answer', status: 200, body: JSON.stringify({ token: TOKEN, expires_in: 300 }) }
      : { kind: 'answer', status: 401 };
  }
  if (headers.authorization === `Bearer ${TOKEN}`) {
    return null;
  }
  const challenge = `Bearer realm="${url}/token",service="upstream"`;
  return { kind: 'answer', status: 401, headers: { 'WWW-Authenticate': challenge } };
}
