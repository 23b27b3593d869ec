/** A registry with an administrator, as a process of its own, to be killed. */
import { startRegistry } from '../../../scripts/registry/local-registry.ts';

const [state = '', port = '0', adminPassword = ''] = process.argv.slice(2);
const { url } = await startRegistry({
  port: Number(port),
  host: '127.0.0.1',
  state,
  log: 'off',
  adminPassword,
  variables: { PRIVATE_UPSTREAMS: 'true' },
});
console.log(url);
