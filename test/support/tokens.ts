/** Access tokens, as clients fetch them. */
import { expect } from 'vitest';
import { call, type HeaderMap } from './client.ts';

/** Fetches a token: its text. Without headers it is one of nobody. */
export async function fetchToken(scope: string, headers: HeaderMap = {}): Promise<string> {
  const query = new URLSearchParams({ service: 'registry.test' });
  for (const part of scope.split(' ')) {
    query.append('scope', part);
  }
  const response = await call('GET', `/token?${query}`, { headers });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return (JSON.parse(text) as { token: string }).token;
}

/** The header of a token with these scopes. */
export async function bearer(scope: string, headers: HeaderMap = {}): Promise<HeaderMap> {
  return { Authorization: `Bearer ${await fetchToken(scope, headers)}` };
}

/** What a token says it grants, by repository. */
export function grantedBy(token: string): Record<string, string[]> {
  const claims = JSON.parse(atob(token.split('.')[1]?.replace(/-/g, '+').replace(/_/g, '/') ?? ''));
  return Object.fromEntries(
    (claims.access as { name: string; actions: string[] }[]).map(({ name, actions }) => [
      name,
      actions,
    ]),
  );
}
