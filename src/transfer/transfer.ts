/**
 * One copy between another registry and our own, either way: the Durable Object that has the list of what
 * is to be done, and does it in alarms. An alarm that a crash or an eviction cuts off is repeated, and goes
 * on where that one was.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { openOwnStores, openSource } from '../mirror/open-source.ts';
import { RegistryError } from '../oci/errors.ts';
import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import { MirrorFetches } from '../registry/mirror-fetches.ts';
import { Registry } from '../registry/registry.ts';
import type { TransferProgress, TransferRecord } from '../storage/metadata/transfers.ts';
import type { Stores } from '../storage/stores.ts';
import { ImageCopy } from './copy-image.ts';
import { afterFailure, breakOf, isSpent } from './failure.ts';
import { PushTarget } from './push-content.ts';
import { ImagePush } from './push-image.ts';
import { ReferrersLists } from './referrers-lists.ts';
import { SourceLists } from './source-lists.ts';
import { COST, Turn, TurnOver } from './turn.ts';
import { Visits } from './visits.ts';
import { type ListWork, type TagWork, WorkList } from './work-list.ts';

const TAGS_AT_ONCE = 4;

/** After a turn that could not even say how far it is. */
const BREAK = 10_000; // milliseconds

const MAX_FAILURES = 100;

/** What a pause of the whole transfer is for. */
interface Pause {
  until: number; // milliseconds since the epoch
  because: string;
}

export class Transfer extends DurableObject<Env> {
  readonly #stores: Stores;
  readonly #registry: Registry;
  readonly #work: WorkList;
  readonly #lists: SourceLists;
  readonly #referrersLists = new ReferrersLists();
  #pause: Pause | null = null;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#stores = openOwnStores(env);
    this.#registry = new Registry({
      stores: this.#stores,
      sessions: env.UPLOADS,
      fetches: env.MIRRORS,
      defaultMirror: null,
    });
    this.#work = new WorkList(context.storage.sql);
    this.#lists = new SourceLists(env, this.#stores, this.#work);
  }

  /** Has the transfer of this id, which is the object's name, go on. Safe to repeat. */
  async start(id: string): Promise<void> {
    this.ctx.storage.kv.put('id', id);
    if ((await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(Date.now());
    }
  }

  override async alarm(): Promise<void> {
    const id = this.ctx.storage.kv.get<string>('id') ?? '';
    try {
      const transfer = await this.#stores.metadata.transfers.find(id);
      const nextAt = transfer?.state === 'running' ? await this.#goOn(transfer) : null;
      await (nextAt === null ? this.#forget() : this.ctx.storage.setAlarm(nextAt));
    } catch (error) {
      console.error(`The transfer ${id} could not go on:`, error);
      await this.ctx.storage.setAlarm(Date.now() + BREAK);
    }
  }

  /** One turn: when the next one is due, in milliseconds since the epoch; null when all is done. */
  async #goOn(transfer: TransferRecord): Promise<number | null> {
    const { source, target, options, id, principal } = transfer;
    this.#work.open();
    this.#work.addList(options.isPrefix ? 'repositories' : 'tags', source, target);
    this.#pause = null;
    const turn = new Turn();
    for (let list = this.#next(turn); list !== null; list = this.#next(turn)) {
      await this.#readPage(list, transfer, turn);
    }
    const taken = new Set<number>();
    const lane = async () => {
      while (!turn.isOver) {
        const tag = this.#work.nextTag(Date.now(), taken);
        if (tag === null) {
          return;
        }
        taken.add(tag.id);
        await this.#copy(tag, transfer, turn);
        taken.delete(tag.id);
      }
    };
    await Promise.all(Array.from({ length: TAGS_AT_ONCE }, lane));
    const due = this.#work.nextDue();
    const progress = this.#progress(due);
    const { transfers } = this.#stores.metadata;
    if (due !== null) {
      await transfers.save(id, progress);
      return Math.max(due, this.#pausedUntil, Date.now());
    }
    const state = progress.failed === 0 ? 'done' : 'failed';
    const { copied, present, failed, bytes } = progress;
    const entry = {
      event: 'transfer.end',
      namespace: namespaceOf(options.isPush ? source : target),
      target: id,
      after: JSON.stringify({ state, copied, present, failed, bytes }),
    };
    await transfers.end(id, state, progress, { principal, address: null }, entry);
    return null;
  }

  #next(turn: Turn): ListWork | null {
    return turn.isOver ? null : this.#work.nextList(Date.now());
  }

  async #readPage(list: ListWork, { options }: TransferRecord, turn: Turn): Promise<void> {
    try {
      turn.spend(COST.page);
      await this.#lists.readPage(list, options);
      turn.advance();
    } catch (error) {
      this.#fail('lists', list, error, turn);
    }
  }

  async #copy(work: TagWork, transfer: TransferRecord, turn: Turn): Promise<void> {
    try {
      const copy = await this.#open(work, transfer, turn);
      this.#work.settleTag(work.id, await copy.copy(work.tag, work.toTag));
    } catch (error) {
      if (error instanceof TurnOver) {
        return;
      }
      if (error instanceof RegistryError && error.error === 'MANIFEST_BLOB_UNKNOWN') {
        this.#work.finished(work).forget();
      }
      this.#fail('tags', work, error, turn);
    }
  }

  async #open(
    work: TagWork,
    { principal, options }: TransferRecord,
    turn: Turn,
  ): Promise<ImageCopy | ImagePush> {
    const { source: from, target: to } = work;
    await this.#checkOwn(options.isPush ? from : to);
    const actor = { principal, address: null };
    const common = {
      withReferrers: options.withReferrers,
      turn,
      visits: new Visits(this.#work.finished(work), work.manifests, turn),
      onBytes: (bytes: number) => this.#work.addBytes(bytes),
      from: this.#registry.repository(from, actor),
    };
    if (options.isPush) {
      const { client, remote } = await openSource(this.env, this.#stores, to);
      const target = new PushTarget(client, remote, this.#stores);
      return new ImagePush({
        ...common,
        stores: this.#stores,
        target,
        lists: this.#referrersLists,
      });
    }
    return new ImageCopy({
      ...common,
      source: await openSource(this.env, this.#stores, from),
      fetches: new MirrorFetches(from, this.env.MIRRORS),
      to: this.#registry.repository(to, actor),
    });
  }

  /** Our side may have become a mirror since the transfer was asked for. @throws DENIED */
  async #checkOwn(repository: RepositoryName): Promise<void> {
    const namespace = namespaceOf(repository);
    if ((await this.#stores.metadata.upstreams.find(namespace)) !== null) {
      throw new RegistryError(
        'DENIED',
        `${namespace} has become a mirror of another registry: name another`,
      );
    }
  }

  /** What concerns all of the transfer pauses it or ends the turn; else this part is tried again, or given up. */
  #fail(
    table: 'lists' | 'tags',
    { id, attempts }: { id: number; attempts: number },
    error: unknown,
    turn: Turn,
  ): void {
    const seconds = breakOf(error);
    if (seconds !== null) {
      const because = error instanceof Error ? error.message : '';
      this.#pause = { until: Date.now() + seconds * 1000, because };
      turn.stop();
      return;
    }
    if (isSpent(error)) {
      turn.stop();
      return;
    }
    const { reason, againAt } = afterFailure(error, attempts);
    this.#work.fail(table, id, reason, againAt);
    turn.advance();
  }

  #progress(due: number | null): TransferProgress {
    const until = Math.max(due ?? 0, this.#pausedUntil);
    const isPaused = due !== null && until > Date.now();
    return {
      ...this.#work.counts(),
      pausedUntil: isPaused ? Math.ceil(until / 1000) : null,
      pausedBecause: isPaused ? (this.#pause?.because ?? 'what failed is tried again') : null,
      failures: this.#work.failures(MAX_FAILURES),
    };
  }

  get #pausedUntil(): number {
    return this.#pause?.until ?? 0;
  }

  async #forget(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }
}
