/**
 * `wrangler dev` for those who edit: reloads the Worker on every change. `npm run dev`; further
 * arguments go to wrangler (`npm run dev -- --port 5001`). State is in .wrangler/, apart from that
 * of `npm start`.
 */
import { wrangler } from './wrangler.ts';

const args = process.argv.slice(2);
const port = args.some((arg) => arg.startsWith('--port')) ? [] : ['--port', '5000'];

await wrangler('d1', 'migrations', 'apply', 'edgewater', '--local');
// wrangler logs each request itself.
await wrangler(
  'dev',
  ...port,
  '--var',
  'OPEN:true',
  '--var',
  'LOCAL:true',
  '--var',
  'LOG:off',
  ...args,
);
