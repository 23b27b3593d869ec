import { RegistryError } from '../oci/errors.ts';
import { failObject } from '../rpc/object-failure.ts';
import { fromResult } from '../rpc/result.ts';
import type { UpstreamRecord } from '../storage/metadata/upstreams.ts';
import { type Limits, limited, parseLimits } from './limits.ts';
import { type OutgoingBody, send } from './send.ts';
import type { UpstreamGate } from './upstream-gate.ts';

/** What to ask of a repository of the upstream. */
export interface Question {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  repository: string | null; // as the upstream calls it; null for the registry itself
  path: string; // behind the repository: "manifests/latest"; or from the root, with a slash
  headers?: Readonly<Record<string, string>>;
  body?: () => Promise<OutgoingBody>; // for each attempt
}

const NOTHING: Limits = { limit: null, remaining: null, retryAfter: null };

/** A registry that is mirrored: asks it, with a login when it wants one. */
export class UpstreamClient {
  readonly #upstream: UpstreamRecord;
  readonly #gate: DurableObjectStub<UpstreamGate>;
  readonly #allowsPrivate: boolean;

  constructor(
    upstream: UpstreamRecord,
    gate: DurableObjectStub<UpstreamGate>,
    allowsPrivate: boolean,
  ) {
    this.#upstream = upstream;
    this.#gate = gate;
    this.#allowsPrivate = allowsPrivate;
  }

  /** Scheme and host. */
  get url(): URL {
    return new URL(this.#upstream.url);
  }

  /**
   * Asks once, and again with a login if the first answer is 401. Null when the upstream has nothing
   * there.
   *
   * @throws UPSTREAM_LIMITED, UPSTREAM_FAILED; UPSTREAM_REFUSED also when it does not let us see the
   *   repository, which is what Docker Hub says of one that it does not have
   */
  async ask(question: Question): Promise<Response | null> {
    const repository = question.repository ?? '';
    const { host } = this.url;
    const header = fromResult(await this.#gate.enter(host, repository).catch(failObject));
    let response = await this.#send(question, header);
    if (response.status === 401) {
      const challenge = response.headers.get('WWW-Authenticate');
      await response.body?.cancel();
      const { namespace } = this.#upstream;
      const authorizing = this.#gate.authorize({
        namespace,
        host,
        repository,
        challenge,
        rejected: header,
      });
      response = await this.#send(question, fromResult(await authorizing.catch(failObject)));
    }
    if (response.ok) {
      return response;
    }
    await response.body?.cancel();
    if (response.status === 404) {
      return null;
    }
    throw this.#failure(repository, response.status);
  }

  #failure(repository: string, status: number): RegistryError {
    const { namespace } = this.#upstream;
    if (status === 401 || status === 403) {
      return new RegistryError(
        'UPSTREAM_REFUSED',
        `${namespace} answers ${status}: it has no ${repository}, or the login of its mirror may not pull that`,
      );
    }
    return new RegistryError(
      status >= 500 ? 'UPSTREAM_FAILED' : 'UPSTREAM_REFUSED',
      `${namespace} answers ${status}`,
    );
  }

  async #send(question: Question, authorization: string | null): Promise<Response> {
    const { method, repository, path, headers, body } = question;
    const below = repository === null ? '/v2/' : `/v2/${repository}/`;
    // Not by resolving: "//elsewhere/" would be another host, which may not see the Authorization.
    const url = new URL(`${this.url.origin}${path.startsWith('/') ? path : `${below}${path}`}`);
    const all = new Headers(headers);
    if (authorization !== null) {
      all.set('Authorization', authorization);
    }
    const outgoing = { method, url, headers: all, ...(body && { body: await body() }) };
    let response: Response;
    try {
      response = await send(outgoing, this.#allowsPrivate);
    } catch (error) {
      await this.#report(null, NOTHING);
      throw error;
    }
    const limits = parseLimits(response.headers, Date.now());
    if (response.status === 429) {
      await response.body?.cancel();
      throw limited(await this.#report(429, limits));
    }
    if (limits.remaining !== null || response.status >= 500) {
      await this.#report(response.status, limits);
    }
    return response;
  }

  async #report(status: number | null, limits: Limits): Promise<number> {
    return await this.#gate.report(status, limits).catch(failObject);
  }
}
