/** A database with a read replica that is behind: miniflare has none. */
import { env } from 'cloudflare:workers';

/** Sessions answer each query for ever as they did the first time; everything else is the primary. */
export function laggingReplica(): D1Database {
  const answers = new Map<string, Promise<D1Result>>();
  const session = {
    prepare: (sql: string) => ({
      bind: (...parameters: unknown[]) => ({
        all: () => {
          const query = JSON.stringify([sql, parameters]);
          const answer =
            answers.get(query) ??
            env.DB.prepare(sql)
              .bind(...parameters)
              .all();
          answers.set(query, answer);
          return answer.then(({ results, meta }) => ({
            results,
            meta: { ...meta, served_by_primary: false },
          }));
        },
      }),
    }),
  };
  return new Proxy(env.DB, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (name === 'withSession') {
        return () => session;
      }
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
