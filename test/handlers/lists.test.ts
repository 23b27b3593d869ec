/** The base and the lists: the exact statuses, headers and bodies of this registry. */
import { beforeAll, describe } from 'vitest';
import { testCalls } from '../support/call-table.ts';
import { descriptorOf, OCI_INDEX, OCI_MANIFEST } from '../support/images.ts';
import { artifact, given, prepare } from './given.ts';

beforeAll(prepare);

describe('base', () => {
  testCalls(
    [
      { title: 'GET /v2/', method: 'GET', path: '/v2/', status: 200, body: { json: {} } },
      { title: 'HEAD /v2/', method: 'HEAD', path: '/v2/', status: 200 },
      {
        title: 'an unknown path',
        method: 'GET',
        path: '/v9/',
        status: 404,
        body: { errors: ['UNSUPPORTED'] },
      },
    ],
    given,
  );
});

describe('lists', () => {
  const descriptor = {
    ...descriptorOf(artifact, OCI_MANIFEST),
    artifactType: 'application/vnd.example',
    annotations: { note: 'x' },
  };
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [descriptor] };
  testCalls(
    [
      {
        title: 'tags',
        method: 'GET',
        path: '/v2/some/where/tags/list',
        status: 200,
        headers: { Link: null, 'Content-Type': 'application/json' },
        body: { json: { name: 'some/where', tags: ['v1', 'v2'] } },
      },
      {
        title: 'one tag',
        method: 'GET',
        path: '/v2/some/where/tags/list?n=1',
        status: 200,
        headers: { Link: '</v2/some/where/tags/list?n=1&last=v1>; rel="next"' },
        body: { json: { name: 'some/where', tags: ['v1'] } },
      },
      {
        title: 'repositories',
        method: 'GET',
        path: '/v2/_catalog?n=1',
        status: 200,
        headers: { Link: '</v2/_catalog?n=1&last=some%2Fthing-else>; rel="next"' },
        body: { json: { repositories: ['some/thing-else'] } },
      },
      {
        title: 'referrers',
        method: 'GET',
        path: '/v2/some/where/referrers/{image}',
        status: 200,
        headers: { 'Content-Type': OCI_INDEX, 'OCI-Filters-Applied': null },
        body: { json: index },
      },
      {
        title: 'referrers of a type',
        method: 'GET',
        path: '/v2/some/where/referrers/{image}?artifactType=x',
        status: 200,
        headers: { 'OCI-Filters-Applied': 'artifactType' },
        body: { json: { ...index, manifests: [] } },
      },
      {
        title: 'docker search asks',
        method: 'GET',
        path: '/v1/_ping',
        status: 200,
        headers: { 'X-Docker-Registry-Standalone': 'true' },
        body: { json: true },
      },
      {
        title: 'docker search',
        method: 'GET',
        path: '/v1/search?q=thing',
        status: 200,
        body: {
          json: {
            query: 'thing',
            num_results: 1,
            num_pages: 1,
            page: 1,
            page_size: 25,
            results: [
              {
                name: 'some/thing-else',
                description: '',
                star_count: 0,
                is_official: false,
                is_automated: false,
              },
            ],
          },
        },
      },
    ],
    given,
  );
});
