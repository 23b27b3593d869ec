import ipaddr from 'ipaddr.js';
import { RegistryError } from '../oci/errors.ts';
import { failObject } from '../rpc/object-failure.ts';
import type { LoginThrottle } from '../throttle/login-throttle.ts';

export type LoginThrottles = DurableObjectNamespace<LoginThrottle>;

/** No account has a longer one. */
const MAX_NAME_LENGTH = 255;

/** Slows down those who guess: asks one object for the account and one for the address. */
export class LoginGuard {
  readonly #throttles: LoginThrottles;
  readonly #address: string | null; // null where nothing tells, as on somebody's own machine

  constructor(throttles: LoginThrottles, address: string | null) {
    this.#throttles = throttles;
    this.#address = addressGroup(address);
  }

  /**
   * Announces an attempt with a password.
   *
   * @throws TOOMANYREQUESTS with Retry-After, when there have been too many; UNAVAILABLE
   */
  async attempt(account: string): Promise<void> {
    await this.fail();
    const attempt = this.#account(account).attempt('account', this.#address);
    refuseFor(await attempt.catch(failObject));
  }

  /** Takes the attempt back, for it succeeded. @throws UNAVAILABLE */
  async succeed(account: string): Promise<void> {
    await Promise.all([
      this.#address === null ? null : this.#of(this.#address).succeed('address', this.#address),
      this.#account(account).succeed('account', this.#address),
    ]).catch(failObject);
  }

  /**
   * Counts a failure that no account is named by: a secret that is not one.
   *
   * @throws TOOMANYREQUESTS with Retry-After; UNAVAILABLE
   */
  async fail(): Promise<void> {
    if (this.#address !== null) {
      const attempt = this.#of(this.#address).attempt('address', this.#address);
      refuseFor(await attempt.catch(failObject));
    }
  }

  #of(address: string): DurableObjectStub<LoginThrottle> {
    return this.#throttles.getByName(`address:${address}`);
  }

  #account(name: string): DurableObjectStub<LoginThrottle> {
    return this.#throttles.getByName(`account:${name.slice(0, MAX_NAME_LENGTH)}`);
  }
}

function refuseFor(seconds: number): void {
  if (seconds > 0) {
    throw new RegistryError(
      'TOOMANYREQUESTS',
      `too many failed logins; try again in ${seconds} seconds`,
      { headers: { 'Retry-After': String(seconds) } },
    );
  }
}

/** An IPv4 address, or the /64 of an IPv6 one: a household has all of it. */
function addressGroup(address: string | null): string | null {
  if (address === null || !ipaddr.isValid(address)) {
    return null;
  }
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6
    ? parsed.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')
    : parsed.toString();
}
