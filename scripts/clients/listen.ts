import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** Has a server of this scheme listen at any free port of this machine: its URL. */
export async function listenHere(
  server: Server,
  scheme: 'http' | 'https' = 'http',
): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return `${scheme}://127.0.0.1:${port}`;
}
