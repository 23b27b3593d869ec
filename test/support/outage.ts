/**
 * R2, D1 or the Durable Objects that do not answer. The methods of the bindings themselves fail, so the
 * Worker and its objects notice alike.
 */
import { env } from 'cloudflare:workers';

export type Service = 'D1' | 'R2' | 'upload sessions' | 'login throttles';

let down: Service | null = null;

/** Does some work while a service does not answer. */
export async function withoutService<T>(service: Service, work: () => Promise<T>): Promise<T> {
  down = service;
  try {
    return await work();
  } finally {
    down = null;
  }
}

function breakMethods(service: Service, target: object, methods: readonly string[]): void {
  const prototype = Object.getPrototypeOf(target) as Record<string, unknown>;
  for (const method of methods) {
    const original = prototype[method] as (...parameters: unknown[]) => unknown;
    prototype[method] = function (this: object, ...parameters: unknown[]) {
      return down === service
        ? Promise.reject(new Error(`${method}: network connection lost`))
        : Reflect.apply(original, this, parameters);
    };
  }
}

breakMethods('D1', env.DB, ['batch']);
breakMethods('D1', env.DB.prepare('SELECT 1'), ['all', 'first', 'raw', 'run']);
breakMethods('R2', env.BUCKET, ['get', 'head', 'put', 'list', 'delete', 'createMultipartUpload']);
breakMethods('R2', env.BUCKET.resumeMultipartUpload('key', 'id'), [
  'uploadPart',
  'complete',
  'abort',
]);

/** A namespace of Durable Objects that do not answer while their service is down. */
export function breakable<Namespace extends { getByName(name: string): object }>(
  service: Service,
  namespace: Namespace,
): Namespace {
  return new Proxy(namespace, {
    get(target, member) {
      if (member !== 'getByName') {
        const value: unknown = Reflect.get(target, member);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return (name: string) => breakableStub(service, target.getByName(name));
    },
  });
}

function breakableStub(service: Service, stub: object): object {
  return new Proxy(stub, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') {
        return member;
      }
      return (...parameters: unknown[]) =>
        down === service
          ? Promise.reject(new Error('Network connection lost.'))
          : Reflect.apply(member, target, parameters);
    },
  });
}
