import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

/** No telemetry, no look-up of newer versions (the banner's), none of where this machine is. */
const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
};

/**
 * Runs wrangler in this terminal and hands signals on to it. Ends this process when it fails, for
 * it has said why.
 */
export async function wrangler(...command: string[]): Promise<void> {
  const child = spawn('wrangler', command, {
    env: { ...process.env, ...QUIET },
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal));
  }
  const [code] = await once(child, 'exit');
  if (code !== 0) {
    process.exit(code ?? 1);
  }
}

/** Runs wrangler and returns what it prints; its errors go to this terminal. */
export function askWrangler(...command: string[]): string {
  try {
    return execFileSync('wrangler', command, {
      encoding: 'utf8',
      env: { ...process.env, ...QUIET },
      stdio: ['inherit', 'pipe', 'inherit'],
    });
  } catch {
    process.exit(1);
  }
}
