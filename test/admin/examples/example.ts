/** A good call of a row. */
export interface Example {
  method: string;
  route: string; // the row's path, behind /api/v1
  path?: string; // the same, filled in
  body?: Record<string, unknown>;
  event?: string; // what the audit log calls it
}

export const GRANTS = [{ repositories: 'acme/*', actions: ['pull'] }];
