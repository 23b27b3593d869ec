import { connect, createServer, type Socket } from 'node:net';
import { listenHere } from './listen.ts';

/** What becomes of one connection, after so many bytes of both directions together. */
export type LineFault =
  | { kind: 'cut'; after: number } // closed in an orderly way, as by a proxy that restarts
  | { kind: 'reset'; after: number }
  /** Half open: what is sent is taken and nothing comes; after a while (milliseconds) it is reset. */
  | { kind: 'silence'; after: number; lasts: number }
  | { kind: 'delay'; milliseconds: number }; // of every piece

/** So many connections to one with a fault: clients open several at once, and each has to get on. */
const SPACING = 3;

/**
 * A line between a client and a registry whose connections break. It knows nothing of HTTP: every third
 * connection gets the next fault of a plan, until that is over.
 */
export class FaultyLine {
  readonly url: string;
  /** How many connections met each kind of fault. */
  readonly met = new Map<LineFault['kind'], number>();
  readonly #sockets = new Set<Socket>();
  readonly #stop: () => void;
  #plan: LineFault[] = [];
  #count = 0; // connections

  private constructor(url: string, stop: () => void) {
    this.url = url;
    this.#stop = stop;
  }

  /** Starts one to the registry at the URL `to`; nothing breaks before {@link begin}. */
  static async start(to: string): Promise<FaultyLine> {
    const server = createServer({ allowHalfOpen: true });
    const line = new FaultyLine(await listenHere(server), () => server.close());
    const { hostname, port } = new URL(to);
    server.on('connection', (client) => {
      const registry = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
      line.#join(client, registry, line.#nextFault());
    });
    return line;
  }

  /** From now on connections break as the plan says. */
  begin(plan: readonly LineFault[]): void {
    this.#plan = [...plan];
    this.#count = 0;
    this.met.clear();
  }

  stop(): void {
    this.#stop();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  #nextFault(): LineFault | null {
    this.#count += 1;
    return this.#count % SPACING === 0 ? (this.#plan.shift() ?? null) : null;
  }

  #join(client: Socket, registry: Socket, fault: LineFault | null): void {
    const passage = new Passage(client, registry, fault, ({ kind }) => {
      this.met.set(kind, (this.met.get(kind) ?? 0) + 1);
    });
    for (const socket of [client, registry]) {
      this.#sockets.add(socket);
      socket.on('error', () => passage.reset());
      socket.on('close', () => this.#sockets.delete(socket));
    }
    passage.pipe(client, registry);
    passage.pipe(registry, client);
  }
}

/** One connection through the line. */
class Passage {
  readonly #ends: readonly [client: Socket, registry: Socket];
  readonly #fault: LineFault | null;
  readonly #onFault: (fault: LineFault) => void;
  #passed = 0; // bytes
  #isBroken = false;

  constructor(
    client: Socket,
    registry: Socket,
    fault: LineFault | null,
    onFault: (fault: LineFault) => void,
  ) {
    this.#ends = [client, registry];
    this.#fault = fault;
    this.#onFault = onFault;
    if (fault?.kind === 'delay') {
      onFault(fault);
    }
  }

  pipe(from: Socket, to: Socket): void {
    from.on('data', (piece: Buffer) => {
      if (this.#isBroken) {
        return;
      }
      const passing = piece.subarray(0, this.#room);
      this.#passed += passing.byteLength;
      this.#send(from, to, passing);
      if (passing.byteLength < piece.byteLength) {
        this.#break(this.#fault);
      }
    });
    from.on('end', () => {
      if (!this.#isBroken) {
        to.end();
      }
    });
  }

  /** Ends both connections as if their other side had vanished. */
  reset(): void {
    this.#isBroken = true;
    for (const end of this.#ends) {
      end.resetAndDestroy();
    }
  }

  /** Bytes that may still pass. */
  get #room(): number {
    return this.#fault !== null && 'after' in this.#fault
      ? this.#fault.after - this.#passed
      : Number.POSITIVE_INFINITY;
  }

  #send(from: Socket, to: Socket, piece: Buffer): void {
    if (this.#fault?.kind === 'delay') {
      from.pause();
      setTimeout(() => {
        to.write(piece);
        from.resume();
      }, this.#fault.milliseconds);
    } else if (!to.write(piece)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  }

  #break(fault: LineFault | null): void {
    if (fault === null) {
      return;
    }
    this.#isBroken = true;
    this.#onFault(fault);
    if (fault.kind === 'cut') {
      for (const end of this.#ends) {
        end.destroySoon();
      }
    } else if (fault.kind === 'silence') {
      setTimeout(() => this.reset(), fault.lasts);
    } else {
      this.reset();
    }
  }
}
