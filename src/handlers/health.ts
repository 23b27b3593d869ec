/** How long a part may take to answer. */
const PATIENCE = 3000; // milliseconds

/** Something that the registry is made of, and a cheap question that it answers when it works. */
export interface Part {
  name: string;
  isOptional: boolean; // the registry works without
  ask: () => Promise<unknown>;
}

/** What a part said. */
interface Check {
  status: 'ok' | 'failed' | 'timeout';
  milliseconds: number;
}

const headers = { 'Cache-Control': 'no-store' };

/** The Worker runs. */
export function alive({ method }: Request): Response {
  const answer = Response.json({ status: 'ok' }, { headers });
  return method === 'HEAD' ? new Response(null, answer) : answer;
}

/**
 * Asks every part at the same time whether it answers: 200 when all do that the registry needs, else
 * 503. Why one has failed is in the log, not in the answer.
 */
export async function ready(parts: readonly Part[]): Promise<Response> {
  const checks = await Promise.all(parts.map(check));
  const isReady = parts.every(
    ({ isOptional }, place) => isOptional || checks[place]?.status === 'ok',
  );
  const body = {
    status: isReady ? 'ok' : 'unavailable',
    checks: Object.fromEntries(parts.map(({ name }, place) => [name, checks[place]])),
  };
  return isReady
    ? Response.json(body, { headers })
    : Response.json(body, { status: 503, headers: { ...headers, 'Retry-After': '1' } });
}

async function check({ name, ask }: Part): Promise<Check> {
  const startedAt = Date.now();
  const waiting = new AbortController();
  const status = await Promise.race([
    Promise.resolve()
      .then(ask)
      .then(
        () => 'ok' as const,
        (error: unknown) => {
          console.error(`The part ${name} does not work:`, error);
          return 'failed' as const;
        },
      ),
    scheduler.wait(PATIENCE, { signal: waiting.signal }).then(
      () => 'timeout' as const,
      () => 'ok' as const, // it is not waited for any more
    ),
  ]);
  waiting.abort();
  return { status, milliseconds: Date.now() - startedAt };
}
