import type { Login } from '../edgewater/api.ts';

/**
 * The login for a registry that runs already: EDGEWATER_USER and EDGEWATER_PASSWORD, as for the CLI.
 * Null, for an open registry, where neither is set.
 *
 * @throws Error when there is only half of it
 */
export function environmentLogin(): Login | null {
  const { EDGEWATER_USER: username = '', EDGEWATER_PASSWORD: password = '' } = process.env;
  if ((username === '') !== (password === '')) {
    throw new Error('set both EDGEWATER_USER and EDGEWATER_PASSWORD, or none of them');
  }
  return username === '' ? null : { username, password };
}
