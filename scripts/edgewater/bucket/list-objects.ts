import type { BucketClient } from './bucket-client.ts';
import { elementsOf, textOf } from './xml.ts';

/**
 * Lists the objects of a place in a bucket: bytes by key, below the place.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 *
 * @param prefix of their keys
 * @param delimiter keys that have it behind the prefix are left out
 */
export async function listObjects(
  client: BucketClient,
  prefix: string,
  delimiter?: string,
): Promise<Map<string, number>> {
  const objects = new Map<string, number>();
  for (let token: string | null = null; ; ) {
    const { body } = await client.ask({
      method: 'GET',
      query: {
        'list-type': '2',
        prefix: `${client.root}${prefix}`,
        ...(delimiter !== undefined && { delimiter }),
        ...(token !== null && { 'continuation-token': token }),
      },
    });
    const page = body.toString();
    for (const object of elementsOf(page, 'Contents')) {
      const key = textOf(object, 'Key') ?? '';
      objects.set(key.slice(client.root.length), Number(textOf(object, 'Size')));
    }
    token = textOf(page, 'NextContinuationToken');
    if (token === null || textOf(page, 'IsTruncated') !== 'true') {
      return objects;
    }
  }
}
