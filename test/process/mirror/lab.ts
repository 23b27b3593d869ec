/** A registry whose upstreams may be on this machine, as a process of its own: `lab.ts --state <folder>`. */
import { parseArgs } from 'node:util';
import { startRegistry } from '../../../scripts/registry/local-registry.ts';
import { PASSWORD } from './administrator.ts';

const { values } = parseArgs({ options: { state: { type: 'string' } }, strict: false });
const { url } = await startRegistry({
  port: 0,
  host: '127.0.0.1',
  state: String(values.state),
  log: 'off',
  adminPassword: PASSWORD,
  variables: { PRIVATE_UPSTREAMS: 'true' },
});
console.log(`ready on ${url}`);
process.prependListener('SIGINT', () => process.exit(0));
