/**
 * Puts the registry on Cloudflare: `npm run deploy`, with `npx wrangler login` done before or
 * CLOUDFLARE_API_TOKEN set. Further arguments go to `wrangler deploy`; with `--dry-run` nothing
 * leaves this machine. Safe to repeat.
 *
 * A deploy creates the bucket and the database if they are not there. A database that is there gets
 * its migrations first, so that the new code never meets the old tables.
 */
import { askWrangler, wrangler } from './wrangler.ts';

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
  const databases: { name: string }[] = JSON.parse(askWrangler('d1', 'list', '--json'));
  return databases.some(({ name }) => name === DATABASE);
}

function migrate(): void {
  wrangler('d1', 'migrations', 'apply', DATABASE, '--remote');
}
