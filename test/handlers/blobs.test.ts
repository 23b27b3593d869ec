/** Blobs: the exact statuses, headers and bodies of this registry. */
import { beforeAll, describe } from 'vitest';
import { testCalls } from '../support/call-table.ts';
import { given, prepare } from './given.ts';

beforeAll(prepare);

describe('blobs', () => {
  const content = {
    'Docker-Content-Digest': '{blob}',
    ETag: '"{blob}"',
    'Cache-Control': 'private, max-age=31536000, immutable, no-transform',
    'Content-Type': 'application/octet-stream',
    'Accept-Ranges': 'bytes',
  };
  const path = '/v2/some/where/blobs/{blob}';
  testCalls(
    [
      {
        title: 'GET',
        method: 'GET',
        path,
        status: 200,
        headers: { ...content, 'Content-Length': '11' },
        body: 'hello world',
      },
      {
        title: 'HEAD',
        method: 'HEAD',
        path,
        status: 200,
        headers: { ...content, 'Content-Length': '11' },
      },
      {
        title: 'GET of a range',
        method: 'GET',
        path,
        request: { headers: { Range: 'bytes=6-7' } },
        status: 206,
        headers: { ...content, 'Content-Length': '2', 'Content-Range': 'bytes 6-7/11' },
        body: 'wo',
      },
      {
        title: 'GET of a range that is not there',
        method: 'GET',
        path,
        request: { headers: { Range: 'bytes=11-' } },
        status: 416,
        headers: { 'Content-Range': 'bytes */11', 'Docker-Content-Digest': null },
        body: { errors: ['RANGE_INVALID'] },
      },
      {
        title: 'GET of what the client has',
        method: 'GET',
        path,
        request: { headers: { 'If-None-Match': 'W/"x", "{blob}"' } },
        status: 304,
        headers: { ETag: '"{blob}"', 'Cache-Control': content['Cache-Control'] },
      },
      {
        title: 'GET of nothing',
        method: 'GET',
        path: '/v2/some/where/blobs/{absent}',
        status: 404,
        body: { errors: ['BLOB_UNKNOWN'] },
      },
      {
        title: 'DELETE of what a manifest names',
        method: 'DELETE',
        path,
        status: 405,
        body: { errors: ['UNSUPPORTED'] },
      },
    ],
    given,
  );
});
