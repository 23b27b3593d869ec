/**
 * Puts the registry on Cloudflare: `npm run deploy`, with `npx wrangler login` done before or
 * CLOUDFLARE_API_TOKEN set. Further arguments go to `wrangler deploy`; with `--dry-run` nothing
 * leaves this machine. Safe to repeat.
 *
 * A deploy creates the bucket and the database if they are not there. A database that is there gets
 * its migrations first, so that the new code never meets the old tables.
 */
import { execFileSync } from 'node:child_process';

const DATABASE = 'edgewater'; // wrangler.toml's database_name

const args = process.argv.slice(2);
if (args.includes('--dry-run')) {
  wrangler('deploy', ...args);
} else if (databaseExists()) {
  migrate();
  wrangler('deploy', ...args);
} else {
  wrangler('deploy', ...args);
  migrate();
}

function databaseExists(): boolean {
  const databases: { name: string }[] = JSON.parse(run(['d1', 'list', '--json'], 'pipe'));
  return databases.some(({ name }) => name === DATABASE);
}

function migrate(): void {
  wrangler('d1', 'migrations', 'apply', DATABASE, '--remote');
}

function wrangler(...command: string[]): void {
  run(command, 'inherit');
}

function run(command: string[], output: 'pipe' | 'inherit'): string {
  // No telemetry, and no look-up of newer versions, which the banner would do.
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' };
  try {
    const stdio = ['inherit', output, 'inherit'] as const;
    return execFileSync('wrangler', command, { encoding: 'utf8', env, stdio: [...stdio] });
  } catch {
    process.exit(1); // wrangler has said why
  }
}
