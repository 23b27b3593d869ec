/** Manifests: the exact statuses, headers and bodies of this registry. */
import { beforeAll, describe } from 'vitest';
import { testCalls } from '../support/call-table.ts';
import { OCI_MANIFEST } from '../support/images.ts';
import { given, prepare, text } from './given.ts';

beforeAll(prepare);

describe('manifests', () => {
  const content = {
    'Content-Type': OCI_MANIFEST,
    'Docker-Content-Digest': '{image}',
    ETag: '"{image}"',
    'Content-Length': String(text.length),
  };
  const fresh = { ...content, 'Cache-Control': 'no-cache, no-transform' };
  const immutable = {
    ...content,
    'Cache-Control': 'private, max-age=31536000, immutable, no-transform',
  };
  const path = '/v2/some/where/manifests/';
  const push = { headers: { 'Content-Type': OCI_MANIFEST }, body: text };
  testCalls(
    [
      {
        title: 'GET by tag',
        method: 'GET',
        path: `${path}v1`,
        status: 200,
        headers: fresh,
        body: '{text}',
      },
      {
        title: 'GET by digest',
        method: 'GET',
        path: `${path}{image}`,
        status: 200,
        headers: immutable,
        body: '{text}',
      },
      { title: 'HEAD by tag', method: 'HEAD', path: `${path}v1`, status: 200, headers: fresh },
      {
        title: 'GET of nothing',
        method: 'GET',
        path: `${path}v3`,
        status: 404,
        body: { errors: ['MANIFEST_UNKNOWN'] },
      },
      {
        title: 'PUT',
        method: 'PUT',
        path: `${path}{image}?tag=a&tag=b`,
        request: push,
        status: 201,
        headers: {
          Location: `${path}{image}`,
          'Docker-Content-Digest': '{image}',
          'OCI-Tag': 'a, b',
          'OCI-Subject': null,
        },
      },
      {
        title: 'PUT into a repository without the blob',
        method: 'PUT',
        path: '/v2/other/manifests/v1',
        request: push,
        status: 400,
        body: { errors: ['MANIFEST_BLOB_UNKNOWN'] },
      },
      {
        title: 'PUT on condition',
        method: 'PUT',
        path: `${path}v1`,
        request: { ...push, headers: { ...push.headers, 'If-None-Match': '*' } },
        status: 412,
        body: { errors: ['DENIED'] },
      },
      { title: 'DELETE of a tag', method: 'DELETE', path: `${path}b`, status: 202 },
      {
        title: 'DELETE of a tag again',
        method: 'DELETE',
        path: `${path}b`,
        status: 404,
        body: { errors: ['MANIFEST_UNKNOWN'] },
      },
    ],
    given,
  );
});
