/**
 * Puts the registry on Cloudflare: `npm run deploy`, with `npx wrangler login` done before or
 * CLOUDFLARE_API_TOKEN set. With `--dry-run` nothing leaves this machine. Safe to repeat.
 *
 * A deploy creates the bucket and the database if they are not there. A database that is there gets
 * its migrations first, so that the new code never meets the old tables.
 */
import { Command } from 'commander';
import { askWrangler, wrangler } from './wrangler.ts';

const DATABASE = 'edgewater'; // wrangler.toml's database_name

const { dryRun } = new Command('npm run deploy --')
  .option('--dry-run', 'build only')
  .parse()
  .opts<{ dryRun?: boolean }>();

if (dryRun) {
  await wrangler('deploy', '--dry-run');
} else if (databaseExists()) {
  await migrate();
  await wrangler('deploy');
} else {
  await wrangler('deploy');
  await migrate();
}

function databaseExists(): boolean {
  const databases: { name: string }[] = JSON.parse(askWrangler('d1', 'list', '--json'));
  return databases.some(({ name }) => name === DATABASE);
}

function migrate(): Promise<void> {
  return wrangler('d1', 'migrations', 'apply', DATABASE, '--remote');
}
