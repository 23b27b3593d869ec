import { RefusalError, UsageError } from './errors.ts';

/** What goes into the Authorization header. The password may be a token or a robot's secret. */
export interface Login {
  username: string;
  password: string;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

type Query = Readonly<Record<string, string | number | undefined>>;

const PATIENCE = 60_000; // milliseconds
const TAG_PAGE = 1000; // the most that one answer has

/** A registry, asked by somebody: its JSON API under /api/v1, and /v2. */
export class Api {
  readonly registry: string; // "https://registry.example.com"
  readonly login: Login | null;

  constructor(registry: string, login: Login | null) {
    this.registry = registry;
    this.login = login;
  }

  /**
   * Asks for `path`, made by {@link apiPath} or {@link registryPath}.
   *
   * @returns the JSON of the answer
   * @throws RefusalError in one line that says what to do
   */
  async get<T>(path: string, query: Query = {}): Promise<T> {
    return (await this.#ask('GET', withQuery(path, query))) as T;
  }

  /** As {@link get}, every page: the lists that the pages have under `key`. */
  async *pages<T>(path: string, key: string, query: Query = {}): AsyncGenerator<T[]> {
    let after: string | undefined;
    do {
      const page: Record<string, unknown> = await this.get(path, { ...query, after });
      yield (page[key] ?? []) as T[];
      after = page.next as string | undefined;
    } while (after !== undefined);
  }

  /** As {@link pages}, in one list. */
  async list<T>(path: string, key: string, query: Query = {}): Promise<T[]> {
    const found: T[] = [];
    for await (const page of this.pages<T>(path, key, query)) {
      found.push(...page);
    }
    return found;
  }

  /** Sends `body`, if there is one, as JSON; else as {@link get}. */
  async send<T = null>(method: Exclude<Method, 'GET'>, path: string, body?: object): Promise<T> {
    return (await this.#ask(method, path, body)) as T;
  }

  /** Who asks, as headers of a request. */
  get authorization(): { authorization?: string } {
    if (this.login === null) {
      return {};
    }
    const { username, password } = this.login;
    return {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    };
  }

  /** Every tag of a repository. */
  async tags(repository: string): Promise<string[]> {
    const path = registryPath`/${repository}/tags/list`;
    const found: string[] = [];
    for (;;) {
      const { tags } = await this.get<{ tags: string[] }>(path, {
        n: TAG_PAGE,
        last: found.at(-1),
      });
      found.push(...tags);
      if (tags.length < TAG_PAGE) {
        return found;
      }
    }
  }

  async #ask(method: Method, path: string, body?: object): Promise<unknown> {
    const response = await this.#fetch(method, path, body);
    const text = await response.text().catch((error: unknown) => this.#fail(error));
    if (!response.ok) {
      throw this.#refusal(response, text);
    }
    if (text === '') {
      return null;
    }
    try {
      return JSON.parse(text);
    } catch {
      throw this.#strange(response.status);
    }
  }

  #fetch(method: Method, path: string, body?: object): Promise<Response> {
    const headers = new Headers({ Accept: 'application/json', ...this.authorization });
    if (body !== undefined) {
      headers.set('Content-Type', 'application/json');
    }
    return fetch(`${this.registry}${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      redirect: 'manual', // the password goes to the registry that was named, and to no other
      signal: AbortSignal.timeout(PATIENCE),
    }).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): never {
    const { cause, name } = error as { cause?: { code?: string; message?: string }; name?: string };
    const why = name === 'TimeoutError' ? 'no answer in time' : (cause?.code ?? cause?.message);
    throw new RefusalError(
      `no registry answers at ${this.registry} (${why ?? error}); see that it runs, or name ` +
        'another with --registry or EDGEWATER_URL',
    );
  }

  #refusal(response: Response, text: string): RefusalError {
    const said = explain(text);
    if (response.status === 401 && this.login === null) {
      const message = `nobody is logged in to ${this.registry}; log in with "edgewater login"`;
      return new RefusalError(message, response.status);
    }
    if (said === null && (response.status < 401 || response.status === 404)) {
      return this.#strange(response.status);
    }
    // What names a command says what to do itself.
    const hint = said?.includes('"edgewater ') ? null : this.#hint(response);
    const message = [said ?? `the registry answered ${response.status}`, hint];
    return new RefusalError(message.filter((part) => part !== null).join('; '), response.status);
  }

  #hint({ status, headers }: Response): string | null {
    switch (status) {
      case 401:
        return `you asked as ${this.login?.username}; "edgewater login" logs in again`;
      case 403:
        return '"edgewater whoami" says as whom you asked';
      case 429:
        return `try again in ${headers.get('Retry-After') ?? 'some'} seconds`;
      default:
        return status >= 500 ? 'try again; if it stays so, the log of the registry says why' : null;
    }
  }

  #strange(status: number): RefusalError {
    return new RefusalError(
      `${this.registry} does not answer as an Edgewater registry does (${status}); see that ` +
        '--registry or EDGEWATER_URL names the right one',
      status,
    );
  }
}

/**
 * A path below /api/v1, each value in it as one component.
 *
 * @throws UsageError for a value that would change the path
 */
export function apiPath(parts: TemplateStringsArray, ...values: string[]): string {
  return `/api/v1${String.raw({ raw: parts }, ...values.map(toComponent))}`;
}

/** A path below /v2. The slashes of a repository name stay. @throws as {@link apiPath} */
export function registryPath(parts: TemplateStringsArray, ...values: string[]): string {
  const components = values.map((value) => value.split('/').map(toComponent).join('/'));
  return `/v2${String.raw({ raw: parts }, ...components)}`;
}

function toComponent(value: string): string {
  if (value === '' || value === '.' || value === '..') {
    throw new UsageError(`"${value}" is not a name`);
  }
  return encodeURIComponent(value);
}

function withQuery(path: string, query: Query): string {
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return parameters.length === 0 ? path : `${path}?${new URLSearchParams(parameters)}`;
}

/** A problem of RFC 9457, or the errors of the OCI distribution spec. */
interface Failure {
  title?: string;
  detail?: string;
  errors?: { pointer?: string; parameter?: string; detail?: string | null; message?: string }[];
}

/** What a body says of a failure, in one line; null when it says nothing. */
export function explain(text: string): string | null {
  let failure: Failure | null;
  try {
    failure = JSON.parse(text) as Failure | null;
  } catch {
    return null;
  }
  const { title, detail, errors } = failure ?? {};
  const causes = errors?.map((error) => {
    const place = error.pointer?.replace(/^#\/?/, '') ?? error.parameter ?? '';
    const cause = error.message ?? error.detail ?? '';
    return place === '' ? cause : `${place}: ${cause}`;
  });
  const parts = [title, causes?.join(', ') ?? detail].filter((part) => part !== undefined);
  return parts.length === 0 ? null : parts.join(': ');
}
