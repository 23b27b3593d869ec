import { RefusalError } from '../errors.ts';
import { ConnectionError } from './connection-error.ts';
import { Upstream } from './upstream.ts';

/**
 * Makes sure that a registry answers at an address (scheme and host): a wrong one is told at once, and
 * not after all that a broken line is given. @throws RefusalError
 */
export async function requireRegistry(origin: string): Promise<void> {
  const upstream = new Upstream(origin);
  try {
    const { status } = await upstream.ask({
      method: 'GET',
      target: upstream.at('/v2/'),
      headers: {},
    });
    if (status >= 500) {
      throw new RefusalError(`${origin} fails now (${status}); try again when it is back`);
    }
    if (![200, 401, 403, 429].includes(status)) {
      throw new RefusalError(
        `${origin} does not answer as a registry does (${status}); see that the address is right`,
      );
    }
  } catch (error) {
    throw error instanceof ConnectionError ? new RefusalError(error.message) : error;
  } finally {
    upstream.close();
  }
}
