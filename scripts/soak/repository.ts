import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../load/random.ts';
import type { Blob, ManifestContent } from './content.ts';
import { type Answer, type Exchange, NoAnswer, type Question } from './exchange.ts';
import { Expectations } from './expectations.ts';
import type { Held, Link, RepositoryModel } from './model.ts';
import type { Tally } from './tally.ts';
import { sendBlob } from './upload.ts';
import type { Windows } from './windows.ts';

/** What a client works with. */
export interface Tools {
  exchange: Exchange;
  tally: Tally;
  windows: Windows;
  random: Random;
  /** Whether no answer, and 503, are to be expected: for a registry that is killed. */
  isKilled: boolean;
  /** Resolves when the registry runs. */
  running(): Promise<void>;
}

const ACCEPT =
  'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json';

/** One repository: asks the registry, and compares what it says with what it has to. */
export class Repository {
  readonly model: RepositoryModel;
  readonly #tools: Tools;
  readonly #expect: Expectations;

  constructor(model: RepositoryModel, tools: Tools) {
    this.model = model;
    this.#tools = tools;
    this.#expect = new Expectations(model, tools.tally);
  }

  /** Asks until there is an answer, as clients do. `isRepeated`: an earlier request may have been heard. */
  async ask(question: Question): Promise<Answer & { isRepeated: boolean }> {
    for (let isRepeated = false; ; isRepeated = true) {
      await this.#tools.running();
      const since = performance.now();
      try {
        const answer = await this.#tools.exchange.ask(question);
        const { method, path } = question;
        if (answer.status !== 503 || !this.#tools.isKilled) {
          if (answer.status >= 500 || answer.status === 429) {
            this.#tools.tally.fail(`${method} ${path}: ${answer.status} ${answer.body}`);
          }
          return { ...answer, isRepeated };
        }
      } catch (error) {
        if (!(error instanceof NoAnswer)) {
          throw error;
        }
        if (!this.#tools.isKilled) {
          this.#expect.noAnswer(error, question, since, this.#tools.windows);
        }
      }
      await sleep(50);
    }
  }

  path(rest: string): string {
    return `/v2/${this.model.name}/${rest}`;
  }

  /** Asks whether a blob is there as a pusher does, who goes on as if the answer held for half a lease. */
  async headBlob(blob: Blob): Promise<boolean> {
    const link = this.model.link(blob);
    const { version } = link.present;
    const until = this.model.linkUntil(link);
    const since = performance.now();
    const { status } = await this.ask({ method: 'HEAD', path: this.path(`blobs/${blob.digest}`) });
    link.present.observe(status === 200, version);
    if (status === 200) {
      this.model.protect(link, since, this.#tools.windows.lease / 2);
    } else {
      this.#expect.gone(link, version, until, `HEAD of blob ${blob.digest}`);
    }
    return status === 200;
  }

  /** Uploads a blob, in one of the ways that clients have. */
  async pushBlob(blob: Blob): Promise<void> {
    const link = this.model.link(blob);
    const change = link.present.begin(true);
    const since = await sendBlob(this, blob, this.#tools);
    link.present.end(change, since === null ? 'unknown' : 'done');
    if (since !== null) {
      this.model.protect(link, since, this.#tools.windows.lease);
    }
  }

  /** Mounts a blob of another repository; false when that does not have it. */
  async mountBlob(blob: Blob, from: Repository): Promise<boolean> {
    const source = from.model.link(blob);
    const { version } = source.present;
    const until = from.model.linkUntil(source);
    const link = this.model.link(blob);
    const change = link.present.begin(true);
    const since = performance.now();
    const query = new URLSearchParams({ mount: blob.digest, from: from.model.name });
    const answer = await this.ask({ method: 'POST', path: this.path(`blobs/uploads/?${query}`) });
    const isMounted = answer.status === 201;
    link.present.end(change, isMounted ? 'done' : answer.isRepeated ? 'unknown' : 'refused');
    if (isMounted) {
      this.model.protect(link, since, this.#tools.windows.lease);
    } else {
      from.#expect.gone(source, version, until, `mount of ${blob.digest}`);
      await this.ask({ method: 'DELETE', path: answer.headers.location ?? '' });
    }
    return isMounted;
  }

  /** Pushes a manifest; false when the registry lacks what it names, as it may after a lease. */
  async putManifest(content: ManifestContent, tag: string | null): Promise<boolean> {
    const held = this.model.manifest(content);
    const since = performance.now();
    if (this.model.manifestUntil(held) <= since) {
      held.lapses += 1;
    }
    const followed = held.follows?.lapses ?? 0;
    const named = this.#expect.promises(content);
    const register = tag === null ? null : this.model.tag(tag);
    this.#releaseTagged(register, content.digest, since);
    const moved = register?.begin(content.digest);
    const change = held.present.begin(true);
    const { windows } = this.#tools;
    const answer = await this.ask({
      method: 'PUT',
      path: this.path(`manifests/${tag ?? content.digest}`),
      headers: { 'Content-Type': content.mediaType },
      body: content.bytes,
    });
    const outcome = answer.status === 201 ? 'done' : answer.isRepeated ? 'unknown' : 'refused';
    held.present.end(change, outcome);
    if (register !== null && moved !== undefined) {
      register.end(moved, outcome);
      if (!change.isAlone) {
        register.admit(null); // a delete of the manifest at the same time takes its tags
      }
    }
    if (outcome === 'done') {
      held.followed = followed;
      this.model.protect(held, since, held.follows === null ? windows.untagged : windows.review);
      return true;
    }
    this.#expect.refusal(answer, named);
    return false;
  }

  async deleteManifest(held: Held): Promise<void> {
    const { digest } = held.content;
    const until = this.model.manifestUntil(held);
    const { version } = held.present;
    this.model.releaseContents(held, performance.now());
    const tags = this.model.tagsOf(digest).map((tag) => ({ tag, change: tag.begin(null) }));
    const change = held.present.begin(false);
    const answer = await this.ask({ method: 'DELETE', path: this.path(`manifests/${digest}`) });
    const isRefused = answer.status === 405;
    const outcome = isRefused ? 'refused' : 'done';
    held.present.end(change, outcome);
    for (const { tag, change: untagged } of tags) {
      const wasOther = [...untagged.before].some((value) => value !== digest && value !== null);
      tag.end(untagged, wasOther ? 'unknown' : outcome);
    }
    if (answer.status === 404 && !answer.isRepeated && version + 2 === held.present.version) {
      this.#expect.passed(until, `DELETE of manifest ${digest}`);
    } else if (![202, 404, 405].includes(answer.status)) {
      this.#tools.tally.fail(`DELETE of manifest ${digest}: ${answer.status} ${answer.body}`);
    }
  }

  async deleteTag(name: string): Promise<void> {
    const register = this.model.tag(name);
    const named = register.certain;
    const held = named ? this.model.manifests.get(named) : undefined;
    const until = held === undefined ? 0 : this.model.manifestUntil(held);
    const { version } = register;
    this.#releaseTagged(register, null, performance.now());
    const change = register.begin(null);
    const answer = await this.ask({ method: 'DELETE', path: this.path(`manifests/${name}`) });
    register.end(change, 'done');
    if (answer.status === 404 && !answer.isRepeated && version + 2 === register.version) {
      this.#expect.passed(until, `DELETE of tag ${name}`);
    } else if (![202, 404].includes(answer.status)) {
      this.#tools.tally.fail(`DELETE of tag ${name}: ${answer.status} ${answer.body}`);
    }
  }

  async deleteBlob(link: Link): Promise<void> {
    const isNamed = [...link.namedBy].some(({ present }) => present.may(true));
    const versions = () => [...link.namedBy].map(({ present }) => present.version).join();
    const before = versions();
    const change = link.present.begin(false);
    const answer = await this.ask({
      method: 'DELETE',
      path: this.path(`blobs/${link.digest}`),
    });
    link.present.end(change, answer.status === 405 ? 'refused' : 'done');
    if (answer.status === 202) {
      link.safeUntil = 0;
      const needed = [...link.namedBy].some(
        (held) => this.model.manifestUntil(held) > performance.now(),
      );
      if (needed && before === versions()) {
        this.#tools.tally.fail(`DELETE of blob ${link.digest}: 202, and a manifest names it`);
      }
    } else if (answer.status === 405 && !isNamed && before === versions()) {
      this.#tools.tally.fail(`DELETE of blob ${link.digest}: 405, and no manifest names it`);
    } else if (![404, 405].includes(answer.status)) {
      this.#tools.tally.fail(`DELETE of blob ${link.digest}: ${answer.status} ${answer.body}`);
    }
  }

  /** Pulls an image or an index by digest, with all that it names: whether it was there. */
  async pull(held: Held): Promise<boolean> {
    const { digest, blobs, children } = held.content;
    const until = this.model.manifestUntil(held);
    const { version } = held.present;
    const wasGone = held.present.is(false);
    const answer = await this.getManifest(digest);
    if (answer.status === 404) {
      this.#expect.gone(held, version, until, `pull of manifest ${digest}`);
      held.present.observe(false, version);
      return false;
    }
    this.#expect.bytes(answer, digest);
    if (wasGone && version === held.present.version && !held.present.may(true)) {
      this.#tools.tally.fail(`pull of manifest ${digest}: it is there after its delete`);
    }
    for (const blob of blobs) {
      await this.pullBlob(blob);
    }
    for (const child of children) {
      await this.pull(this.model.manifest(child));
    }
    return true;
  }

  async pullBlob(blob: Blob): Promise<void> {
    const link = this.model.link(blob);
    const until = this.model.linkUntil(link);
    const { version } = link.present;
    const answer = await this.ask({ method: 'GET', path: this.path(`blobs/${blob.digest}`) });
    if (answer.status === 404) {
      this.#expect.gone(link, version, until, `pull of blob ${blob.digest}`);
      link.present.observe(false, version);
    } else {
      this.#expect.bytes(answer, blob.digest);
    }
  }

  /** Pulls what a tag names; it has to be what the tag can name. */
  async pullTag(name: string): Promise<boolean> {
    const register = this.model.tag(name);
    const { version } = register;
    const { certain } = register;
    const answer = await this.getManifest(name);
    const found = answer.status === 404 ? null : String(answer.headers['docker-content-digest']);
    const isSettled = version === register.version;
    if (found !== null) {
      this.#expect.bytes(answer, found);
    }
    const held = found === null ? undefined : this.model.manifests.get(found);
    if (isSettled && !register.may(found) && !this.#mayHaveFollowed(certain, found)) {
      const wanted = register.possible.join(' or ');
      this.#tools.tally.fail(`${this.model.name}:${name} is ${found}, not ${wanted}`);
    }
    register.observe(found, version);
    return held !== undefined && (await this.pull(held));
  }

  getManifest(reference: string) {
    const path = this.path(`manifests/${reference}`);
    return this.ask({ method: 'GET', path, headers: { Accept: ACCEPT } });
  }

  /** A tag that follows a subject goes with its manifest. */
  #mayHaveFollowed(named: string | null | undefined, found: string | null): boolean {
    const held = named ? this.model.manifests.get(named) : undefined;
    return (
      found === null && held?.follows != null && this.model.manifestUntil(held) < performance.now()
    );
  }

  #releaseTagged(
    register: { certain: string | null | undefined } | null,
    next: string | null,
    since: number,
  ) {
    const named = register?.certain;
    const held = named && named !== next ? this.model.manifests.get(named) : undefined;
    if (held !== undefined) {
      this.model.release(held, since);
    }
  }
}
