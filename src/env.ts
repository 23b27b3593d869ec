import type { LogFormat } from './http/request-log.ts';
import type { LoginThrottle } from './throttle/login-throttle.ts';
import type { UploadSession } from './uploads/upload-session.ts';

/** What wrangler.toml binds. */
export interface Env {
  BUCKET: R2Bucket;
  DB: D1Database;
  UPLOADS: DurableObjectNamespace<UploadSession>;
  THROTTLE: DurableObjectNamespace<LoginThrottle>;
  ADMIN_PASSWORD?: string;
  OPEN?: string;
  NEW_NAMESPACES?: string;
  LOCAL?: string;
  LOG?: string;
  R2_READ_WINDOW?: string;
}

/** The variables, read. */
export interface Settings {
  /** Everybody may do everything. */
  isOpen: boolean;
  /** Of the user "admin"; null while there is none, and nobody can log in. */
  adminPassword: string | null;
  /** What a namespace is when its maker does not say. */
  newNamespaces: 'private' | 'public';
  /** On somebody's own machine: an OIDC issuer may be there too, without https. */
  isLocal: boolean;
  log: LogFormat;
  /** How many bytes one read of R2 asks for. */
  readWindow: number;
}

const MIN_ADMIN_PASSWORD = 12; // characters

/** Reads the variables. What they do not know counts as their default. */
export function readSettings(env: Env): Settings {
  return {
    isOpen: env.OPEN === 'true',
    adminPassword: adminPasswordOf(env),
    newNamespaces: env.NEW_NAMESPACES === 'public' ? 'public' : 'private',
    isLocal: env.LOCAL === 'true',
    log: env.LOG === 'text' || env.LOG === 'off' ? env.LOG : 'json',
    readWindow: Number(env.R2_READ_WINDOW) || Number.POSITIVE_INFINITY,
  };
}

function adminPasswordOf({ ADMIN_PASSWORD }: Env): string | null {
  return ADMIN_PASSWORD !== undefined && ADMIN_PASSWORD.length >= MIN_ADMIN_PASSWORD
    ? ADMIN_PASSWORD
    : null;
}
