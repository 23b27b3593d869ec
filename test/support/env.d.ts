/** What the tests find in `cloudflare:workers`: the bindings of wrangler.toml and those of vitest.config.ts. */
declare namespace Cloudflare {
  interface Env extends EnvOfWorker {
    MIGRATIONS: import('cloudflare:test').D1Migration[];
  }
  interface GlobalProps {
    mainModule: typeof import('../../src/index.ts');
  }
}

type EnvOfWorker = import('../../src/env.ts').Env;

declare module '*?raw' {
  const text: string;
  export default text;
}
