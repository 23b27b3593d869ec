/** As much of https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile as this needs. */
export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[]; // ids of nodes
  timeDeltas: number[]; // microseconds since the sample before
}

interface Target {
  id: string;
  webSocketDebuggerUrl: string;
}

const INTERVAL = 500; // microseconds between samples

/**
 * Profiles the isolate of a Worker while something is done.
 *
 * @throws Error when the inspector has no such isolate
 */
export async function profileWorker(
  port: number,
  worker: string,
  work: () => Promise<void>,
): Promise<CpuProfile> {
  const response = await fetch(`http://127.0.0.1:${port}/json`);
  const targets = (await response.json()) as Target[];
  const target =
    targets.find(({ id }) => id === worker) ?? targets.find(({ id }) => id.includes(worker));
  if (target === undefined) {
    throw new Error(`no isolate is called ${worker}: ${targets.map(({ id }) => id).join(', ')}`);
  }
  const session = await connect(target.webSocketDebuggerUrl);
  try {
    await session.send('Profiler.enable');
    await session.send('Profiler.setSamplingInterval', { interval: INTERVAL });
    await session.send('Profiler.start');
    await work();
    const { profile } = (await session.send('Profiler.stop')) as { profile: CpuProfile };
    return profile;
  } finally {
    session.close();
  }
}

async function connect(url: string) {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)));
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data));
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  let count = 0;
  return {
    send: (method: string, params = {}) =>
      new Promise<unknown>((resolve) => {
        const id = ++count;
        waiting.set(id, resolve);
        socket.send(JSON.stringify({ id, method, params }));
      }),
    close: () => socket.close(),
  };
}
