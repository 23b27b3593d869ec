import { execFileSync } from 'node:child_process';

/** No telemetry, no look-up of newer versions (the banner's), none of where this machine is. */
const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
};

/** Runs wrangler in this terminal; ends this process when it fails, for it has said why. */
export function wrangler(...command: string[]): void {
  run(command, 'inherit');
}

/** Runs wrangler and returns what it prints; its errors go to this terminal. */
export function askWrangler(...command: string[]): string {
  return run(command, 'pipe');
}

function run(command: string[], output: 'pipe' | 'inherit'): string {
  try {
    return execFileSync('wrangler', command, {
      encoding: 'utf8',
      env: { ...process.env, ...QUIET },
      stdio: ['inherit', output, 'inherit'],
    });
  } catch {
    process.exit(1);
  }
}
