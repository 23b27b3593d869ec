import { ERRORS, RegistryError } from '../oci/errors.ts';

/** Less than the smallest limit, 100 MB: what the edge reads before it refuses need not all get here. */
const SUSPICIOUS = 90e6; // bytes

/**
 * The error for a body that broke off after `received` bytes. Where it may have been Cloudflare's edge
 * that cut it, the message tells how larger layers get through.
 * https://developers.cloudflare.com/workers/platform/limits/#request-limits
 */
export function bodyBrokeOff(received: number): RegistryError {
  return received < SUSPICIOUS
    ? new RegistryError('BLOB_UPLOAD_INVALID')
    : new RegistryError(
        'BLOB_UPLOAD_INVALID',
        `${ERRORS.BLOB_UPLOAD_INVALID.message}. Cloudflare takes 100 MB in a request on Free and Pro ` +
          'zones, 200 MB on Business, 500 MB on Enterprise: larger layers go by "edgewater proxy"',
      );
}
