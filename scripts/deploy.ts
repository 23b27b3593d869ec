/**
 * Puts the registry on Cloudflare: `npm run deploy`, with `npx wrangler login` done before or
 * CLOUDFLARE_API_TOKEN set. Further arguments go to `wrangler deploy`. Safe to repeat.
 *
 * A deploy creates the bucket and the database if they are not there. A database that is there gets
 * its migrations first, so that the new code never meets the old tables.
 */
import { execFileSync } from 'node:child_process';

const DATABASE = 'edgewater';

const isThere = wrangler(['d1', 'list', '--json']).includes(`"name": "${DATABASE}"`);
if (isThere) {
  migrate();
}
wrangler(['deploy', ...process.argv.slice(2)], 'inherit');
if (!isThere) {
  migrate();
}

function migrate(): void {
  wrangler(['d1', 'migrations', 'apply', DATABASE, '--remote'], 'inherit');
}

function wrangler(args: string[], output: 'pipe' | 'inherit' = 'pipe'): string {
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false' };
  try {
    return execFileSync('wrangler', args, {
      encoding: 'utf8',
      env,
      stdio: ['inherit', output, 'inherit'],
    });
  } catch {
    process.exit(1); // wrangler has said why
  }
}
