import { z } from 'zod';
import type { Route } from './route.ts';

const PREFIX = '/api/v1';
const JSON_TYPE = 'application/json';

/** An OpenAPI document, as far as a schema of ours has to say. */
export const documentSchema = z.looseObject({ openapi: z.string() });

/** What every answer to a request that failed is. */
const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('which failure it is, for programs'),
  detail: z.string(),
  errors: z
    .array(
      z.strictObject({
        pointer: z.string().optional(),
        parameter: z.string().optional(),
        detail: z.string(),
      }),
    )
    .optional(),
});

/** Describes the rows: https://spec.openapis.org/oas/v3.1.1.html */
export function describeApi(routes: readonly Route[]): { openapi: string; paths: object } {
  const paths: Record<string, Record<string, object>> = {};
  for (const row of routes) {
    const path = row.path.slice(PREFIX.length).replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [row.method.toLowerCase()]: describeRow(row, path) };
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Edgewater', version: '1', description: 'Administration of the registry.' },
    servers: [{ url: PREFIX }],
    security: [{ basic: [] }],
    paths,
    components: {
      securitySchemes: { basic: { type: 'http', scheme: 'basic' } },
      schemas: { Problem: toSchema(problemSchema, 'output') },
    },
  } as { openapi: string; paths: object };
}

function describeRow(row: Route, path: string): object {
  return {
    operationId: operationId(row.method, path),
    summary: row.summary,
    description: describePermission(row),
    ...(row.permission === 'public' && { security: [] }),
    parameters: [...pathParameters(path), ...queryParameters(row)],
    ...(row.body !== null && {
      requestBody: {
        required: true,
        content: { [JSON_TYPE]: { schema: toSchema(row.body, 'input') } },
      },
    }),
    responses: {
      [row.status]: {
        description: row.summary,
        ...(row.answer !== null && {
          content: { [JSON_TYPE]: { schema: toSchema(row.answer, 'output') } },
        }),
      },
      default: {
        description: 'It failed',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    },
  };
}

/** "getNamespacesMembers": the words of the path, and "By" for each parameter that ends it. */
function operationId(method: string, path: string): string {
  const words = path
    .split(/[/.-]/)
    .filter((word) => word !== '')
    .map((word) => (word.startsWith('{') ? `By-${word.slice(1, -1)}` : word));
  const capitalised = words.flatMap((word) => word.split('-')).map(capitalise);
  return `${method.toLowerCase()}${capitalised.join('')}`;
}

function capitalise(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}

function describePermission({ permission }: Route): string {
  switch (permission) {
    case 'public':
      return 'For everybody.';
    case 'login':
      return 'For whoever has logged in, with a limited credential too.';
    case 'caller':
      return 'For users, with a credential that is not limited.';
    case 'system':
      return 'For administrators of the system.';
    default:
      if ('repository' in permission) {
        return `For those who may ${permission.repository} in the repository, with any credential.`;
      }
      return permission.namespace === 'member'
        ? 'For those with a role in the namespace.'
        : `For roles with the permission "${permission.namespace}" in the namespace.`;
  }
}

function pathParameters(path: string): object[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({ query }: Route): object[] {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema: toSchema(schema as z.ZodType, 'output'),
  }));
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema, ...described } = z.toJSONSchema(schema, { io });
  return described;
}
