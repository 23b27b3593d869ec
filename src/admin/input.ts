import type { z } from 'zod';
import { RegistryError } from '../oci/errors.ts';
import { collect } from '../streams/collect.ts';
import { InputError, type InputProblem } from './problem.ts';

/** What a body may have where its row does not say more. */
export const MAX_BODY = 64 * 1024; // bytes

/**
 * Reads the JSON of a request's body by a schema. It has to be announced as JSON, even when there is
 * none: a form on a strange web page can send everything else with the login that a browser kept.
 *
 * @throws BODY_UNSUPPORTED, BODY_TOO_LARGE, ACCOUNT_INVALID, or SIZE_INVALID when it breaks off
 */
export async function readBody(
  request: Request,
  schema: z.ZodType,
  limit = MAX_BODY,
): Promise<unknown> {
  const type = request.headers.get('Content-Type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new RegistryError('BODY_UNSUPPORTED');
  }
  const bytes =
    request.body === null
      ? new Uint8Array()
      : await collect(request.body, limit).catch(() => {
          throw new RegistryError('SIZE_INVALID', 'the body broke off');
        });
  if (bytes === null) {
    throw new RegistryError('BODY_TOO_LARGE');
  }
  return parse(schema, parseJson(bytes), (path) => ({ pointer: toPointer(path) }));
}

/**
 * Reads the query of a request by a schema; without one it takes no parameters.
 *
 * @throws ACCOUNT_INVALID
 */
export function readQuery(query: URLSearchParams, schema: z.ZodType): unknown {
  const values: [string, string][] = [];
  for (const [name, value] of query) {
    if (values.some(([known]) => known === name)) {
      throw new InputError([{ parameter: name, detail: 'it stands there more than once' }]);
    }
    values.push([name, value]);
  }
  return parse(schema, Object.fromEntries(values), (path) => ({
    parameter: String(path[0] ?? ''),
  }));
}

function parse(
  schema: z.ZodType,
  value: unknown,
  place: (path: readonly PropertyKey[]) => Omit<InputProblem, 'detail'>,
): unknown {
  const { success, data, error } = schema.safeParse(value);
  if (!success) {
    throw new InputError(
      error.issues.slice(0, MAX_PROBLEMS).map((issue) => ({
        ...place(issue.path),
        detail: issue.message.slice(0, MAX_DETAIL),
      })),
    );
  }
  return data;
}

const MAX_PROBLEMS = 20;
const MAX_DETAIL = 500; // characters: messages name the fields that nobody knows

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new InputError([{ pointer: '#', detail: 'the body is not JSON in UTF-8' }]);
  }
}

/** A JSON pointer as a URI fragment (RFC 6901 section 6). */
function toPointer(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1'));
  return ['#', ...parts.map(encodeURIComponent)].join('/');
}
