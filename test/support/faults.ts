/** Real bindings that fail when they are told to: before the effect of a call, or after it. */

export type Moment = 'before' | 'after';

/** Says of a call whether it fails; undefined lets it pass. */
export type Fault = (method: string) => Moment | undefined;

/** Lets the first `times` calls of `method` fail. */
export function failing(method: string, moment: Moment, times = 1): Fault {
  let left = times;
  return (called) => {
    if (called !== method || left === 0) {
      return undefined;
    }
    left -= 1;
    return moment;
  };
}

/** Calls that only make an object, which fails in its turn. */
const NESTED = new Set(['resumeMultipartUpload', 'prepare', 'bind']);

/** The binding with faults; what its methods return that has methods of its own has them too. */
export function withFaults<T extends object>(binding: T, fault: Fault): T {
  return new Proxy(binding, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function' || typeof name !== 'string') {
        return member;
      }
      return (...parameters: unknown[]) => {
        const moment = fault(name);
        if (moment === 'before') {
          return Promise.reject(new Error(`${name}: network connection lost`));
        }
        const result: unknown = Reflect.apply(member, target, parameters);
        if (moment === 'after') {
          return Promise.resolve(result).then(() => {
            throw new Error(`${name}: network connection lost`);
          });
        }
        return NESTED.has(name) && typeof result === 'object' && result !== null
          ? withFaults(result, fault)
          : result;
      };
    },
  });
}
