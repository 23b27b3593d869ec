import { InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../errors.ts';
import { isLoopback } from '../registry-url.ts';

/** A place in a bucket, and the S3 API that reaches it. */
export interface BucketAddress {
  endpoint: URL;
  bucket: string;
  prefix: string; // of every key, without a slash at its end; empty for all of the bucket
}

/** What a command has to know of a bucket beside its name. */
export interface BucketOptions {
  endpoint?: URL;
}

const ADDRESS = /^s3:\/\/([A-Za-z0-9][\w.-]{1,61}[A-Za-z0-9])(?:\/(.*))?$/;

/** The option that says where the S3 API is. */
export function endpointOption(): Option {
  return new Option('--endpoint <url>', 'of a bucket: its S3 API')
    .env('AWS_ENDPOINT_URL')
    .argParser(parseEndpoint);
}

/** Whether a place is in a bucket. */
export function isBucket(place: string): boolean {
  return /^s3:/i.test(place);
}

/** Reads "s3://bucket/prefix". @throws UsageError when it is none, or without an endpoint */
export function parseBucket(place: string, { endpoint }: BucketOptions): BucketAddress {
  const [, bucket, path = ''] = ADDRESS.exec(place) ?? [];
  const prefix = path.replace(/\/$/, '');
  const hasOddSegment = prefix !== '' && prefix.split('/').some((name) => /^\.{0,2}$/.test(name));
  if (bucket === undefined || hasOddSegment) {
    throw new UsageError(`"${place}" is no place in a bucket: it has to be as s3://bucket/prefix`);
  }
  if (endpoint === undefined) {
    throw new UsageError(
      'say where the S3 API of the bucket is: --endpoint https://<account>.r2.cloudflarestorage.com ' +
        'for R2, --endpoint https://s3.<region>.amazonaws.com for AWS',
    );
  }
  return { endpoint, bucket, prefix };
}

/** @throws InvalidArgumentError when it is none, or a backup would go over the network in the clear */
function parseEndpoint(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new InvalidArgumentError('It has to be as https://<account>.r2.cloudflarestorage.com.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError(
      'Keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, not into it.',
    );
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new InvalidArgumentError('Backups go over https only, except on this machine.');
  }
  return url;
}
