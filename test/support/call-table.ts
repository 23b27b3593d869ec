/** A table of calls as protocol reference: given, request, wanted; nothing between the rows. */
import { expect, test } from 'vitest';
import { type CallOptions, call } from './client.ts';

export interface CallRow {
  title: string;
  method: string;
  path: string;
  request?: CallOptions;
  status: number;
  /** What headers have to be: a value, a form, or null for "not there". */
  headers?: Record<string, string | RegExp | null>;
  /** What the body has to be: text, the JSON it holds, or the codes of its errors. */
  body?: string | { json: unknown } | { errors: readonly string[] };
}

/** Makes one test of each row. `path` and the like may hold `{names}` that `given` knows then. */
export function testCalls(rows: readonly CallRow[], given: Record<string, string> = {}): void {
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (whole, name) => given[name] ?? whole);
  test.each(rows)('$title', async ({ method, path, request, status, headers = {}, body = '' }) => {
    const response = await call(method, fill(path), {
      ...request,
      ...(request?.headers && {
        headers: Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, fill(value)]),
        ),
      }),
    });
    const text = new TextDecoder().decode(await response.arrayBuffer());
    expect(response.status, text).toBe(status);
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(response.headers.get('Docker-Distribution-Api-Version')).toBe('registry/2.0');
    for (const [name, wanted] of Object.entries(headers)) {
      const value = response.headers.get(name);
      if (wanted instanceof RegExp) {
        expect(value, name).toMatch(wanted);
      } else {
        expect(value, name).toBe(wanted === null ? null : fill(wanted));
      }
    }
    if (typeof body === 'string') {
      expect(text).toBe(fill(body));
    } else if ('json' in body) {
      expect(JSON.parse(text)).toEqual(body.json);
    } else {
      const { errors } = JSON.parse(text) as { errors: { code: string }[] };
      expect(errors.map((error) => error.code)).toEqual(body.errors);
      expect(response.headers.get('Content-Type')).toBe('application/json');
    }
  });
}
