import { RefusalError } from '../errors.ts';
import { ConnectionError } from '../upload/connection-error.ts';
import { isTransient } from '../upload/retry.ts';
import type { Answer } from '../upload/upstream.ts';
import { textOf } from './xml.ts';

/** The bucket refuses, or is out of reach. */
export class BucketError extends RefusalError {
  readonly code: string | null; // of S3; null when it was not reached

  constructor(message: string, code: string | null) {
    super(message);
    this.code = code;
  }
}

/** What was refused because it did not arrive as it was sent, or came too slowly: another try may do. */
const OF_THE_LINE = new Set([
  'XAmzContentSHA256Mismatch',
  'BadDigest',
  'IncompleteBody',
  'RequestTimeout',
]);

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, https://developers.cloudflare.com/r2/api/error-codes/ */
const HINTS: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch:
    'AWS_SECRET_ACCESS_KEY is not the secret of the key in AWS_ACCESS_KEY_ID: set both anew',
  InvalidAccessKeyId: 'see that AWS_ACCESS_KEY_ID is a key of this endpoint',
  Unauthorized: 'see that AWS_ACCESS_KEY_ID is a key of this endpoint, and is still good',
  AccessDenied: 'the key in AWS_ACCESS_KEY_ID needs to list, read and write this bucket',
  ExpiredToken: 'AWS_SESSION_TOKEN is over: get another key',
  NoSuchBucket: 'see that its name and --endpoint are right, or make it',
  RequestTimeTooSkewed: "set this machine's clock",
  AuthorizationHeaderMalformed: 'set AWS_REGION to the region of the bucket',
  PermanentRedirect: 'take the --endpoint of the region of the bucket',
  NoSuchKey: 'something has deleted an object; repeat the command',
  NoSuchUpload: 'something has ended the upload; repeat the command',
};

/** Whether it is worth to try again after this. */
export function isWorthAnotherTry(outcome: Answer | ConnectionError): boolean {
  return (
    isTransient(outcome) ||
    (!(outcome instanceof ConnectionError) && OF_THE_LINE.has(codeOf(outcome)))
  );
}

/** What to say of an answer that is not the hoped-for one; `name` is what people call the place. */
export function bucketError(name: string, outcome: Answer | ConnectionError): BucketError {
  if (outcome instanceof ConnectionError) {
    return new BucketError(`${name}: ${outcome.message}`, null);
  }
  const code = codeOf(outcome);
  const said = textOf(outcome.body.toString(), 'Message')?.replace(/\.$/, '');
  const parts = [`it answered ${outcome.status} ${code}`.trimEnd(), said, hintFor(outcome)];
  return new BucketError(`${name}: ${parts.filter(Boolean).join('; ')}`, code);
}

function hintFor(answer: Answer): string {
  const usual = isWorthAnotherTry(answer)
    ? 'repeat the command later'
    : 'see that --endpoint, the name of the bucket and the key in AWS_ACCESS_KEY_ID belong together';
  return HINTS[codeOf(answer)] ?? usual;
}

function codeOf({ body }: Answer): string {
  return textOf(body.toString(), 'Code') ?? '';
}
