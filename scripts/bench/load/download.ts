import { once } from 'node:events';
import { connect } from 'node:net';

const BUFFER = 2 ** 20; // bytes; what a reader of the standard library costs would hide the server

/**
 * Reads a blob and throws it away, at the price of the system calls alone.
 *
 * @throws Error unless all `size` bytes come with status 200
 */
export async function download(
  url: string,
  authorization: string | null,
  size: number,
): Promise<void> {
  const { hostname, port, host, pathname } = new URL(url);
  let head = '';
  let received = 0; // bytes of the body
  const socket = connect({
    host: hostname,
    port: Number(port),
    onread: {
      buffer: Buffer.alloc(BUFFER),
      callback: (count, buffer) => {
        if (head.includes('\r\n\r\n')) {
          received += count;
        } else {
          head += Buffer.from(buffer.buffer, buffer.byteOffset, count).toString('latin1');
          const end = head.indexOf('\r\n\r\n');
          received = end === -1 ? 0 : head.length - end - 4;
        }
        return true;
      },
    },
  });
  const lines = [
    `GET ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: close',
    ...(authorization === null ? [] : [`Authorization: ${authorization}`]),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await once(socket, 'close');
  if (!head.startsWith('HTTP/1.1 200 ') || received !== size) {
    throw new Error(`GET ${url} brought ${received} of ${size} bytes: ${head.split('\r\n')[0]}`);
  }
}
