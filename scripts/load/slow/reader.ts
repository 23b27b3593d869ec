import { connect, type Socket } from 'node:net';

const SIP = 1024; // bytes
const PAUSE = 1000; // milliseconds between sips

/**
 * Reads a blob by 1 KiB a second. It takes no more than that out of the socket, so all that the
 * kernel does not hold stays with the server.
 */
export class SlowReader {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #head = '';
  received = 0; // bytes, with the head
  isClosed = false;

  constructor(url: string, authorization: string) {
    const { hostname, port, host, pathname } = new URL(url);
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      onread: {
        buffer: Buffer.alloc(SIP),
        callback: (count, buffer) => {
          this.received += count;
          if (this.#head.length < SIP) {
            this.#head += Buffer.from(buffer.buffer, buffer.byteOffset, count).toString('latin1');
          }
          return false; // no more until the next second
        },
      },
    });
    this.#socket.on('error', () => {}); // 'close' follows
    this.#socket.on('close', () => {
      this.isClosed = true;
    });
    const lines = [`GET ${pathname} HTTP/1.1`, `Host: ${host}`, `Authorization: ${authorization}`];
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    this.#timer = setInterval(() => this.#socket.resume(), PAUSE);
  }

  /** Whether it is still being served what it asked for. */
  get isReading(): boolean {
    return !this.isClosed && this.#head.startsWith('HTTP/1.1 200 ');
  }

  get status(): string {
    return this.#head.split('\r\n')[0] || 'no answer';
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }
}
