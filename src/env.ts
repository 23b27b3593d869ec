import type { LogFormat } from './http/request-log.ts';
import type { UploadSession } from './uploads/upload-session.ts';

/** What wrangler.toml binds. */
export interface Env {
  BUCKET: R2Bucket;
  DB: D1Database;
  UPLOADS: DurableObjectNamespace<UploadSession>;
  OPEN?: string;
  LOG?: string;
  R2_READ_WINDOW?: string;
}

/** The variables, read. */
export interface Settings {
  /** Everybody may do everything. */
  isOpen: boolean;
  log: LogFormat;
  /** How many bytes one read of R2 asks for. */
  readWindow: number;
}

/** Reads the variables. What they do not know counts as their default. */
export function readSettings(env: Env): Settings {
  return {
    isOpen: env.OPEN === 'true',
    log: env.LOG === 'text' || env.LOG === 'off' ? env.LOG : 'json',
    readWindow: Number(env.R2_READ_WINDOW) || Number.POSITIVE_INFINITY,
  };
}
