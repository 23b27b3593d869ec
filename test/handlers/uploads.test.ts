/** Upload sessions: the exact statuses, headers and bodies of this registry. */
import { beforeAll, describe } from 'vitest';
import { testCalls } from '../support/call-table.ts';
import { given, prepare } from './given.ts';

beforeAll(prepare);

describe('uploads', () => {
  const uploads = '/v2/some/where/blobs/uploads/';
  const session = /^\/v2\/some\/where\/blobs\/uploads\/[0-9a-f-]{36}$/;
  const created = { Location: '/v2/some/where/blobs/{blob}', 'Docker-Content-Digest': '{blob}' };
  testCalls(
    [
      {
        title: 'POST',
        method: 'POST',
        path: uploads,
        status: 202,
        headers: { Location: session, Range: '0-0', 'Docker-Upload-UUID': /^[0-9a-f-]{36}$/ },
      },
      {
        title: 'POST with a body',
        method: 'POST',
        path: `${uploads}?digest={blob}`,
        request: { body: 'hello world' },
        status: 201,
        headers: created,
      },
      {
        title: 'POST to mount',
        method: 'POST',
        path: `${uploads}?mount={blob}&from=some/thing-else`,
        status: 201,
        headers: created,
      },
      {
        title: 'POST to mount nothing',
        method: 'POST',
        path: `${uploads}?mount={absent}`,
        status: 202,
        headers: { Location: session },
      },
      {
        title: 'GET of a new session',
        method: 'GET',
        path: '{upload}',
        status: 204,
        headers: { Location: '{upload}', Range: '0-0' },
      },
      {
        title: 'GET of a session',
        method: 'GET',
        path: '{partial}',
        status: 204,
        headers: { Location: '{partial}', Range: '0-5' },
      },
      {
        title: 'PATCH from elsewhere',
        method: 'PATCH',
        path: '{partial}',
        request: { headers: { 'Content-Range': '7-8' }, body: 'or' },
        status: 416,
        headers: { Location: '{partial}', Range: '0-5' },
        body: { errors: ['RANGE_INVALID'] },
      },
      {
        title: 'PUT of a wrong digest',
        method: 'PUT',
        path: '{partial}?digest={absent}',
        status: 400,
        body: { errors: ['DIGEST_INVALID'] },
      },
      {
        title: 'PATCH',
        method: 'PATCH',
        path: '{partial}',
        request: { headers: { 'Content-Range': '6-9' }, body: 'worl' },
        status: 202,
        headers: { Location: '{partial}', Range: '0-9' },
      },
      {
        title: 'PUT of the rest',
        method: 'PUT',
        path: '{partial}?digest={blob}',
        request: { body: 'd' },
        status: 201,
        headers: created,
      },
      {
        title: 'PUT again',
        method: 'PUT',
        path: '{partial}?digest={blob}',
        status: 201,
        headers: created,
      },
      { title: 'DELETE', method: 'DELETE', path: '{upload}', status: 204 },
      {
        title: 'DELETE again',
        method: 'DELETE',
        path: '{upload}',
        status: 404,
        body: { errors: ['BLOB_UPLOAD_UNKNOWN'] },
      },
    ],
    given,
  );
});
