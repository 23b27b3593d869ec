import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Authority } from '../../src/auth/authorize.ts';
import { readSettings } from '../../src/env.ts';
import { runSchedule } from '../../src/lifecycle/schedule.ts';
import { Registry } from '../../src/registry/registry.ts';
import type { UploadSessions } from '../../src/registry/uploads.ts';
import { createRouter } from '../../src/router.ts';
import { Isolate } from '../../src/storage/isolate.ts';
import type { MaxAges } from '../../src/storage/memberships.ts';
import type { Stores } from '../../src/storage/stores.ts';
import type { Chunk } from '../../src/uploads/upload-content.ts';
import { UploadSession } from '../../src/uploads/upload-session.ts';
import { UpstreamGates } from '../../src/upstream/gates.ts';
import { newStores } from '../support/storage.ts';
import { type Disturbance, Life } from './disturbance.ts';

const ORIGIN = 'http://registry.test';

interface Place {
  life: Life;
  isolate: Isolate;
}

interface Instance {
  life: Life;
  session: UploadSession;
}

/** The registry in several isolates, over the real bindings, disturbed: any of its processes may die. */
export class Deployment {
  readonly #disturbance: Disturbance;
  readonly #maxAges: MaxAges;
  readonly #places: Place[];
  readonly #sessions = new Map<string, Instance>();
  readonly #answer = createRouter();

  constructor(disturbance: Disturbance, isolates: number, maxAges: Partial<MaxAges> = {}) {
    this.#disturbance = disturbance;
    this.#maxAges = { membership: 0, tag: 0, ...maxAges };
    this.#places = Array.from({ length: isolates }, newPlace);
  }

  /** A request to one of the isolates. Throws when that dies while it answers. */
  async fetch(request: Request, isolate: number): Promise<Response> {
    const { life, stores } = this.#at(isolate % this.#places.length);
    const settings = { ...readSettings(env), maxAges: this.#maxAges };
    const answer = this.#answer(request, {
      registry: new Registry({
        stores,
        sessions: this.#uploads(),
        fetches: env.MIRRORS,
        defaultMirror: null,
      }),
      authority: new Authority({ metadata: stores.metadata, throttles: env.THROTTLE, settings }),
      stores,
      gates: new UpstreamGates(env.GATES),
      settings,
      url: new URL(request.url),
      startTransfer: async () => {},
      parts: [],
    });
    return life.during(answer);
  }

  /** What the clock starts; false when it was not done. */
  async tick(isolate: number): Promise<boolean> {
    const { life, stores } = this.#at(isolate % this.#places.length);
    return life.during(runSchedule(stores, async () => {})).then(
      () => true,
      () => false,
    );
  }

  /** Ends all isolates and objects, and resolves when nothing that they did is under way. */
  async restart(): Promise<void> {
    const lives = [...this.#places, ...this.#sessions.values()].map(({ life }) => life);
    await Promise.all(lives.map((life) => life.finish()));
  }

  #at(index: number): { life: Life; stores: Stores } {
    let place = this.#places[index] as Place;
    if (place.life.isOver) {
      place = newPlace();
      this.#places[index] = place;
    }
    const { life, isolate } = place;
    const { database, bucket } = this.#bindings(life);
    const stores = newStores(isolate, { database, bucket, maxAges: this.#maxAges }, ORIGIN);
    return { life, stores };
  }

  #bindings(life: Life): { database: D1Database; bucket: R2Bucket } {
    return {
      database: this.#disturbance.disturb(env.DB, () => life),
      bucket: this.#disturbance.disturb(env.BUCKET, () => life),
    };
  }

  /** The namespace of upload sessions, each in its real object with bindings that are disturbed. */
  #uploads(): UploadSessions {
    const getByName = (name: string) => {
      const methods = ['start', 'status', 'append', 'finish', 'cancel'] as const;
      return Object.fromEntries(
        methods.map((method) => [
          method,
          (...parameters: unknown[]) => this.#ask(name, method, parameters),
        ]),
      );
    };
    return { getByName } as unknown as UploadSessions;
  }

  async #ask(name: string, method: string, parameters: unknown[]): Promise<unknown> {
    const bytes = await Promise.all(parameters.map(bytesOf));
    const answer = await runInDurableObject(env.UPLOADS.getByName(name), async (_real, state) => {
      const { life, session } = this.#instance(name, state);
      const given = parameters.map((parameter, index) => streamed(parameter, bytes[index] ?? null));
      const work = Reflect.apply(Reflect.get(session, method), session, given) as Promise<unknown>;
      return life.during(work).then(
        (value) => ({ value }),
        () => null,
      );
    });
    if (answer === null) {
      throw Object.assign(new Error('the object was reset'), { retryable: true });
    }
    return answer.value;
  }

  #instance(name: string, state: DurableObjectState): Instance {
    let instance = this.#sessions.get(name);
    if (instance === undefined || instance.life.isOver) {
      const life = new Life();
      const { database, bucket } = this.#bindings(life);
      const session = new UploadSession(state, { ...env, DB: database, BUCKET: bucket });
      instance = { life, session };
      this.#sessions.set(name, instance);
    }
    return instance;
  }
}

function newPlace(): Place {
  return { life: new Life(), isolate: new Isolate() };
}

/** A stream of one object cannot be read by another here: its bytes go across. */
async function bytesOf(parameter: unknown): Promise<Uint8Array | null> {
  const body = (parameter as Chunk | null)?.body;
  return body === undefined ? null : new Uint8Array(await new Response(body).arrayBuffer());
}

function streamed(parameter: unknown, bytes: Uint8Array | null): unknown {
  return bytes === null ? parameter : { ...(parameter as Chunk), body: new Blob([bytes]).stream() };
}
