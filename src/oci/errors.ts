/**
 * Every way in which a request can fail: the status it answers with, the code on the wire (the
 * row's own name unless `code` says otherwise) and what it says when nobody knows better.
 *
 * Codes: distribution-spec v1.1.1 "Error Codes"; UNKNOWN, UNAVAILABLE, RANGE_INVALID and
 * PAGINATION_NUMBER_INVALID are distribution's. `retryAfter` is in seconds. Clients repeat a request that failed with UNKNOWN,
 * BLOB_UPLOAD_INVALID, TOOMANYREQUESTS or UNAVAILABLE, so no permanent failure uses those.
 */
export const ERRORS = {
  BLOB_UNKNOWN: { status: 404, message: 'blob unknown to this repository' },
  BLOB_UPLOAD_INVALID: {
    status: 400,
    message: 'the upload broke off; ask for its offset and go on',
  },
  BLOB_UPLOAD_UNKNOWN: {
    status: 404,
    message: 'no such upload in this repository; start a new one',
  },
  DENIED: { status: 403, message: 'access to the resource is denied' },
  DIGEST_INVALID: { status: 400, message: 'not a digest that this registry can verify' },
  MANIFEST_BLOB_UNKNOWN: {
    status: 400,
    message: 'the manifest names content this repository lacks',
  },
  MANIFEST_INVALID: { status: 400, message: 'not a valid manifest' },
  MANIFEST_UNKNOWN: { status: 404, message: 'manifest unknown to this repository' },
  NAME_INVALID: { status: 400, message: 'not a valid repository name' },
  NAME_UNKNOWN: { status: 404, message: 'no such repository' },
  SIZE_INVALID: { status: 400, message: 'the body does not have the announced length' },
  UNAUTHORIZED: { status: 401, message: 'authentication required' },
  UNSUPPORTED: { status: 405, message: 'the operation is not supported' },
  TOOMANYREQUESTS: { status: 429, message: 'too many requests; try again later', retryAfter: 1 },

  PAGINATION_NUMBER_INVALID: { status: 400, message: 'n must be a whole number, 0 or more' },
  RANGE_INVALID: { status: 416, message: 'the range does not fit the content' },
  UNAVAILABLE: { status: 503, message: 'storage did not answer; try again', retryAfter: 1 },
  UNKNOWN: { status: 500, message: 'unexpected failure; the log has the cause' },

  BLOB_REFERENCED: { code: 'UNSUPPORTED', status: 405, message: 'a manifest names this blob' },
  ENDPOINT_UNKNOWN: { code: 'UNSUPPORTED', status: 404, message: 'no such endpoint' },
  MANIFEST_REFERENCED: {
    code: 'UNSUPPORTED',
    status: 405,
    message: 'an index names this manifest',
  },
  MANIFEST_TOO_LARGE: { code: 'SIZE_INVALID', status: 413, message: 'manifests may have 4 MiB' },
  QUOTA_OF_BYTES_EXCEEDED: {
    code: 'DENIED',
    status: 403,
    message: 'the namespace has no room for these bytes',
  },
  QUOTA_OF_REPOSITORIES_EXCEEDED: {
    code: 'DENIED',
    status: 403,
    message: 'the namespace may not have another repository',
  },
  RESTORE_UNDER_WAY: {
    code: 'DENIED',
    status: 403,
    message:
      'a restore is under way, and nothing else is changed until it ends: "edgewater restore" goes on ' +
      'with it, "edgewater restore --give-up" takes back what it has brought',
  },
  TAG_IMMUTABLE: { code: 'DENIED', status: 403, message: 'a rule makes the tag immutable' },
  TAG_INVALID: { status: 400, message: 'not a valid tag' },
  TAG_MOVED: { code: 'DENIED', status: 412, message: 'the precondition on the tag does not hold' },
  TOKEN_REQUEST_INVALID: {
    code: 'UNSUPPORTED',
    status: 400,
    message: 'not a request for a token',
  },
  UPSTREAM_FAILED: {
    code: 'UNAVAILABLE',
    status: 503,
    message: 'the upstream registry did not answer; try again',
    retryAfter: 5,
  },
  UPSTREAM_LIMITED: {
    code: 'TOOMANYREQUESTS',
    status: 429,
    message: 'the upstream registry lets us ask no more for a while',
    retryAfter: 60,
  },
  UPSTREAM_LIED: {
    code: 'DIGEST_INVALID',
    status: 502,
    message: 'the upstream registry sent other content than it should; nothing of it is kept',
  },
  UPSTREAM_REFUSED: {
    code: 'DENIED',
    status: 403,
    message: 'the upstream registry is not asked, or does not let us have it',
  },
  UPLOAD_TOO_LARGE: { code: 'SIZE_INVALID', status: 413, message: 'blobs may have 52,000 MiB' },

  // The JSON API: the names stand in its problem answers as they are.
  ACCOUNT_EXISTS: { code: 'DENIED', status: 409, message: 'there is one of that name' },
  ACCOUNT_INVALID: { code: 'UNSUPPORTED', status: 400, message: 'the request is not valid' },
  ACCOUNT_UNKNOWN: { code: 'NAME_UNKNOWN', status: 404, message: 'there is no such thing' },
  BODY_TOO_LARGE: { code: 'SIZE_INVALID', status: 413, message: 'the body may have 64 KiB' },
  RESTORE_REFUSED: { code: 'DENIED', status: 409, message: 'it cannot be restored' },
  BODY_UNSUPPORTED: { code: 'UNSUPPORTED', status: 415, message: 'send application/json' },
} as const satisfies Record<string, ErrorRow>;

/** What {@link ERRORS} says of one way to fail. */
export interface ErrorRow {
  status: number;
  message: string;
  code?: string;
  retryAfter?: number; // seconds
}

/** The name of a row of {@link ERRORS}. */
export type ErrorName = keyof typeof ERRORS;

/**
 * A failure that the client is told about.
 *
 * `message` says what was wrong and what to do; without it the table's words are used. Each entry
 * of `details` becomes one entry of the answer's `errors` array: strings, because Go clients built
 * on specs-go cannot read anything else. `headers` are added to the answer. `cause` is what the platform threw.
 */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly error: ErrorName;
  readonly details: readonly string[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    error: ErrorName,
    message: string = ERRORS[error].message,
    options: ErrorOptions & { details?: readonly string[]; headers?: Record<string, string> } = {},
  ) {
    super(message, options);
    this.error = error;
    this.details = options.details ?? [];
    this.headers = options.headers ?? {};
  }
}
