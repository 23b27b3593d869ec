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

/** Reads the variables. What they do not know counts as their default. */
export function readSettings(env: Env): Settings {
  return {
    isOpen: env.OPEN === 'true',
    log: env.LOG === 'text' || env.LOG === 'off' ? env.LOG : 'json',
  };
}
