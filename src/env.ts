import type { LogFormat } from './http/request-log.ts';
import type { UploadSession } from './uploads/upload-session.ts';

/** What wrangler.toml binds. */
export interface Env {
  BUCKET: R2Bucket;
  DB: D1Database;
  UPLOADS: DurableObjectNamespace<UploadSession>;
  OPEN?: string;
  LOG?: string;
}

/** The variables, read. */
export interface Settings {
  /** Everybody may do everything. */
  isOpen: boolean;
  log: LogFormat;
}

export function readSettings(env: Env): Settings {
  const log = env.LOG ?? 'json';
  if (log !== 'text' && log !== 'json' && log !== 'off') {
    throw new Error(`the variable LOG is "${log}"; it can be text, json or off`);
  }
  return { isOpen: env.OPEN === 'true', log };
}
