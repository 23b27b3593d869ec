/** The registry with access control: the Worker of these tests is open, unless it is asked here. */
import { env } from 'cloudflare:workers';
import type { Env } from '../../src/env.ts';
import worker from '../../src/index.ts';
import { useRegistry } from './client.ts';

export const ADMIN_PASSWORD = 'correct horse battery staple';
export const REGISTRY = 'https://registry.test';

/** What the closed registry is bound to, with changes for one test. */
export function closedEnv(changes: Partial<Env> = {}): Env {
  return { ...env, OPEN: 'false', ADMIN_PASSWORD, LOCAL: 'true', ...changes };
}

/** Points the client of the tests at the closed registry. */
export function useClosedRegistry(changes: Partial<Env> = {}): void {
  const bindings = closedEnv(changes);
  useRegistry(REGISTRY, (request) => worker.fetch(request as never, bindings));
}

/** The Authorization header of a login. */
export function basic(username: string, password: string): { Authorization: string } {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return { Authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

export const ADMIN = basic('admin', ADMIN_PASSWORD);
