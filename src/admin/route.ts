import type { z } from 'zod';
import type { Namespace, Need } from '../accounts/namespaces.ts';
import type { UpstreamContext } from '../accounts/upstreams.ts';
import type { Identity } from '../auth/identity.ts';
import type { Origin } from '../auth/network.ts';
import type { Action } from '../auth/roles.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Stores } from '../storage/stores.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What the API works with: made anew for each request, by whoever logs the caller in. */
export interface ApiContext extends UpstreamContext {
  stores: Stores;
  identity: Identity | null; // null: nobody has logged in
  origin: Origin;
  newNamespaces: 'private' | 'public';
  allowsLocalIssuers: boolean;
  startTransfer: (id: string) => Promise<void>;
}

/**
 * Who may use a row:
 *
 * - 'public': everybody.
 * - 'login': whoever has logged in, robots, workloads and narrowed credentials too.
 * - 'caller': users with their full rights. The rows below take no less.
 * - 'system': system administrators.
 * - a need in the namespace that the path names. Without any role there, it does not exist.
 * - an action on the repository that the path names, for whoever may do it by the protocol: robots,
 *   workloads and narrowed credentials too. What they may not pull does not exist.
 */
export type RoutePermission =
  | 'public'
  | 'login'
  | 'caller'
  | 'system'
  | { namespace: Need }
  | { repository: Action };

/** What a handler has to work with. */
export interface Call<Params extends string, Body, Query, Allowed> {
  context: ApiContext;
  identity: Identity; // of nobody in a public row
  namespace: EnteredNamespace<Allowed>;
  repository: EnteredRepository<Allowed>;
  params: Readonly<Record<Params, string>>;
  body: Body;
  query: Query;
  url: URL;
  headers: Headers;
}

/** A row of the table, as the router and the OpenAPI document see it. */
export interface Route {
  method: Method;
  path: string;
  summary: string;
  permission: RoutePermission;
  maxBody?: number; // bytes, where it is more than usual
  body: z.ZodType | null;
  query: z.ZodObject | null;
  status: number;
  answer: z.ZodType | null;
  handle: (call: Call<string, unknown, unknown, RoutePermission>) => unknown;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : null;

/** A row without a schema answers nothing. */
type Answer<Schema> = Schema extends z.ZodType
  ? Answered<z.input<Schema> | Response>
  : Promise<void>;

type Answered<T> = T | Promise<T>;

/** The names of the parameters in a path like "/users/:user". */
type ParamsOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamsOf<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

type EnteredNamespace<Allowed> = Allowed extends { namespace: Need } ? Namespace : null;

type EnteredRepository<Allowed> = Allowed extends { repository: Action } ? RepositoryName : null;

/** Makes a row whose handler gets what its schemas say, and answers so. */
export function route<
  const Path extends string,
  const Allowed extends RoutePermission,
  Body extends z.ZodType | null,
  Query extends z.ZodObject | null,
  Output extends z.ZodType | null,
>(row: {
  method: Method;
  path: Path;
  summary: string;
  permission: Allowed;
  maxBody?: number;
  body: Body;
  query: Query;
  status: number;
  answer: Output;
  handle: (call: Call<ParamsOf<Path>, Parsed<Body>, Parsed<Query>, Allowed>) => Answer<Output>;
}): Route {
  return row as unknown as Route; // the router parses with the same schemas that type the handler
}
