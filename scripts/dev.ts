/**
 * `wrangler dev` for those who edit: reloads the Worker on every change. `npm run dev`; further
 * arguments go to wrangler. State is in .wrangler/, apart from that of `npm start`.
 */
import { wrangler } from './wrangler.ts';

wrangler('d1', 'migrations', 'apply', 'edgewater', '--local');
wrangler(
  'dev',
  '--port',
  '5000',
  '--var',
  'OPEN:true',
  '--var',
  'LOG:text',
  ...process.argv.slice(2),
);
