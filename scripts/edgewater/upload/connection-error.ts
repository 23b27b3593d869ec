/** A request that got no answer: the line broke, nobody listens, the certificate is wrong. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly isPermanent: boolean; // trying again would not help

  /** Says in one line what failed on the way to `origin`, and what to do where something can be. */
  constructor(origin: string, cause: unknown) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    const isPermanent = CERTIFICATE.test(code);
    super(`${origin}: ${explain(code, isPermanent) ?? (code || message)}`, { cause });
    this.isPermanent = isPermanent;
  }
}

/** A 5xx or the like where an answer was needed to go on: as good as none. */
export function unavailable(origin: string, what: string, status: number): ConnectionError {
  return new ConnectionError(origin, new Error(`${what} was answered with ${status}`));
}

/** https://nodejs.org/docs/latest-v24.x/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE = /CERT|_VERIFY_|ALTNAME|^ERR_(?:SSL|TLS)_|^EPROTO$/;

function explain(code: string, isPermanent: boolean): string | null {
  if (isPermanent) {
    return `TLS failed (${code}); a certificate of your own goes into NODE_EXTRA_CA_CERTS`;
  }
  return EXPLANATIONS[code] ?? null;
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED); see that the address is right',
  ENOTFOUND: 'there is no such host (ENOTFOUND); see that the name is right',
  EAI_AGAIN: 'its name cannot be looked up now (EAI_AGAIN); see that there is a network',
  ECONNRESET: 'the connection broke (ECONNRESET)',
  EPIPE: 'the connection broke (EPIPE)',
};
