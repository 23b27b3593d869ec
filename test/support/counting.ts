/**
 * Counts what the registry asks of the platform, by wrapping the methods of the bindings themselves: so
 * what a Durable Object asks is counted with what the Worker asks.
 */
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { type Counts, NOTHING } from '../../scripts/costs/counts.ts';

/** https://developers.cloudflare.com/r2/pricing/#operation-type; deletes and aborts are free. */
const R2_METHODS: Readonly<Record<string, 'r2ClassA' | 'r2ClassB'>> = {
  get: 'r2ClassB',
  head: 'r2ClassB',
  put: 'r2ClassA',
  list: 'r2ClassA',
  createMultipartUpload: 'r2ClassA',
};

let counts: Counts = { ...NOTHING };

/** Statements of D1, in batches and alone, and calls of R2. */
let asked = 0;

/** What a piece of work asks of the platform. */
export async function countDuring(work: () => Promise<unknown>): Promise<Counts> {
  counts = { ...NOTHING };
  await work();
  return counts;
}

/**
 * How often a piece of work asks D1 or R2, with each statement of a batch: an invocation may a thousand
 * times. https://developers.cloudflare.com/workers/platform/limits/#subrequests
 */
export async function askedDuring(work: () => Promise<unknown>): Promise<number> {
  asked = 0;
  await work();
  return asked;
}

interface D1Meta {
  rows_read: number;
  rows_written: number;
}

function addRows({ meta }: { meta: D1Meta }): void {
  counts.d1RowsRead += meta.rows_read;
  counts.d1RowsWritten += meta.rows_written;
}

/** Runs `before` at each call of a method, and `after` with what it resolved to. The method before that. */
function watch(
  target: object,
  method: string,
  before: () => void,
  after: (result: never) => void = () => {},
): (...parameters: unknown[]) => unknown {
  const prototype = Object.getPrototypeOf(target) as Record<string, unknown>;
  const original = prototype[method] as (...parameters: unknown[]) => unknown;
  prototype[method] = function (this: object, ...parameters: unknown[]) {
    before();
    const result = Reflect.apply(original, this, parameters);
    return result instanceof Promise
      ? result.then((value) => {
          after(value as never);
          return value;
        })
      : result;
  };
  return original;
}

for (const [method, operation] of Object.entries(R2_METHODS)) {
  watch(env.BUCKET, method, () => {
    counts[operation] += 1;
    asked += 1;
  });
}
watch(env.BUCKET, 'delete', () => {
  asked += 1;
});
for (const method of ['uploadPart', 'complete']) {
  watch(env.BUCKET.resumeMultipartUpload('key', 'id'), method, () => {
    counts.r2ClassA += 1;
  });
}
watch(
  env.DB.prepare('SELECT 1'),
  'all',
  () => {
    counts.d1Queries += 1;
    asked += 1;
  },
  addRows,
);
watch(
  env.DB,
  'batch',
  () => {
    counts.d1Batches += 1;
  },
  (results: { meta: D1Meta }[]) => {
    asked += results.length;
    results.forEach(addRows);
  },
);
const match = watch(await caches.open('counts'), 'match', () => {
  counts.cacheLookups += 1;
});

/** Resolves when the location has the content of a blob or manifest. Not counted. */
export async function cached(origin: string, { digest }: { digest: string }): Promise<void> {
  const key = await contentKey(digest);
  await expect.poll(() => isCached(origin, key)).toBe(true);
}

/** Where the location has the content of a blob or manifest. Not counted. */
export async function contentKey(digest: string): Promise<string> {
  const find = env.DB.prepare(
    `SELECT r2_key FROM blobs WHERE digest = ?1
     UNION ALL SELECT r2_key FROM manifests WHERE digest = ?1 AND r2_key IS NOT NULL`,
  );
  return `content/${(await find.bind(digest).first('r2_key')) ?? digest}`;
}

/** Whether the location has something at the key of an origin. Not counted. */
export async function isCached(origin: string, key: string): Promise<boolean> {
  const cache = await caches.open('edgewater');
  return (await Reflect.apply(match, cache, [`${origin}/edge-cache/${key}`])) !== undefined;
}

/** A namespace of Durable Objects whose calls are counted. */
export function countedObjects<Namespace extends object>(namespace: Namespace): Namespace {
  return new Proxy(namespace, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') {
        return member;
      }
      return (...parameters: unknown[]) => countedStub(Reflect.apply(member, target, parameters));
    },
  });
}

/** Counts the calls that one Durable Object makes of another, by the methods of that one's class. */
export function countCallsOf(object: { prototype: object }, methods: readonly string[]): void {
  for (const method of methods) {
    watch(Object.create(object.prototype), method, () => {
      counts.objectRequests += 1;
    });
  }
}

function countedStub(stub: object): object {
  return new Proxy(stub, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') {
        return member;
      }
      return (...parameters: unknown[]) => {
        counts.objectRequests += 1;
        return Reflect.apply(member, target, parameters);
      };
    },
  });
}
