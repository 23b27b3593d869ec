import { UsageError } from '../errors.ts';

/** What requests to a bucket are signed with. */
export interface BucketCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string; // of a temporary key
  region?: string; // where the endpoint does not tell
}

/**
 * From where all programs for S3 take them.
 * https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
 *
 * @throws UsageError when they are not there
 */
export function credentialsOfEnvironment(): BucketCredentials {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId = '',
    AWS_SECRET_ACCESS_KEY: secretAccessKey = '',
    AWS_SESSION_TOKEN: sessionToken = '',
    AWS_DEFAULT_REGION = '',
    AWS_REGION: region = AWS_DEFAULT_REGION,
  } = process.env;
  if (accessKeyId === '' || secretAccessKey === '') {
    throw new UsageError(
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, to a key that may list, ' +
        'read and write the bucket',
    );
  }
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== '' && { sessionToken }),
    ...(region !== '' && { region }),
  };
}
