/** Where a request comes from, as Cloudflare's edge says; null for what it does not know. */
export interface RequestOrigin {
  address: string | null;
  country: string | null; // ISO 3166-1 alpha-2
  asn: number | null;
}

/**
 * Reads where a request comes from. On Cloudflare nobody can forge this: the edge sets the header.
 * https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-connecting-ip
 */
export function originOf(request: Request): RequestOrigin {
  const { country, asn } = (request.cf ?? {}) as { country?: string; asn?: number };
  return {
    address: request.headers.get('CF-Connecting-IP'),
    country: country ?? null,
    asn: asn ?? null,
  };
}
