import { RegistryError } from '../oci/errors.ts';

/** What the platform answers itself: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/ */
const TLS_STATUSES = [525, 526];

/** workerd's words for a host name that is not known and for TLS that fails; its log tells the two apart. */
const INTERNAL = /^internal error\b/;

/** Whether an answer is the platform's own, which found no TLS that is to be trusted. */
export function isTlsFailure({ status }: Response): boolean {
  return TLS_STATUSES.includes(status);
}

/** What to say of a host that was asked and from which nothing came; `error` is what `fetch` threw. */
export function noAnswer({ host }: URL, error: unknown): RegistryError {
  const isInternal = error instanceof Error && INTERNAL.test(error.message);
  return isInternal ? unreachable(host) : failed(`${host} did not answer`, error);
}

/** What to say of a host to which there is no connection. */
export function unreachable(host: string): RegistryError {
  return failed(
    `${host} cannot be reached: its name is not known, or it has no TLS certificate that is trusted here; ` +
      'see to these two. A CA of your own is trusted by a registry that is started with NODE_EXTRA_CA_CERTS',
  );
}

function failed(message: string, cause?: unknown): RegistryError {
  return new RegistryError('UPSTREAM_FAILED', message, { cause });
}
