import type { LogFormat } from './http/request-log.ts';
import type { MirrorFetch } from './mirror/mirror-fetch.ts';
import type { MaxAges } from './storage/memberships.ts';
import { type Lifetimes, readLifetimes } from './storage/metadata/lifetimes.ts';
import type { LoginThrottle } from './throttle/login-throttle.ts';
import type { Transfer } from './transfer/transfer.ts';
import type { UploadSession } from './uploads/upload-session.ts';
import type { UpstreamGate } from './upstream/upstream-gate.ts';

/** What wrangler.toml binds. */
export interface Env {
  BUCKET: R2Bucket;
  BACKUP_BUCKET?: R2Bucket;
  DB: D1Database;
  UPLOADS: DurableObjectNamespace<UploadSession>;
  THROTTLE: DurableObjectNamespace<LoginThrottle>;
  MIRRORS: DurableObjectNamespace<MirrorFetch>;
  GATES: DurableObjectNamespace<UpstreamGate>;
  TRANSFERS: DurableObjectNamespace<Transfer>;
  ADMIN_PASSWORD?: string;
  OPEN?: string;
  NEW_NAMESPACES?: string;
  LOCAL?: string;
  PRIVATE_UPSTREAMS?: string;
  DEFAULT_MIRROR?: string;
  LOG?: string;
  MEMBERSHIP_MAX_AGE?: string;
  TAG_MAX_AGE?: string;
  R2_READ_WINDOW?: string;
  LIFETIMES?: string;
  PULL_STATISTICS_INTERVAL?: string;
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
  /** Upstreams may have private addresses and no https: for labs. */
  allowsPrivateUpstreams: boolean;
  /** The namespace in which names are looked for that have none of ours: for dockerd's registry-mirrors. */
  defaultMirror: string | null;
  log: LogFormat;
  /** For how long answers may be repeated without asking the database. */
  maxAges: MaxAges;
  /** How many bytes one read of R2 asks for, of an object of several parts. */
  readWindow: number;
  /** How long what is stored lives; see storage/metadata/lifetimes.ts. */
  lifetimes: Lifetimes;
  /** For how many seconds an isolate counts pulls before it writes them down; 0 for no statistics. */
  pullInterval: number;
}

const MIN_ADMIN_PASSWORD = 12; // characters

const DEFAULT_MEMBERSHIP_MAX_AGE = 60; // seconds
const LONGEST_MAX_AGE = 60 * 60; // seconds

const DEFAULT_PULL_INTERVAL = 20; // seconds
const LONGEST_PULL_INTERVAL = 25; // seconds: the runtime ends what waits behind an answer after 30

/** Reads the variables. What they do not know counts as their default. */
export function readSettings(env: Env): Settings {
  return {
    isOpen: env.OPEN === 'true',
    adminPassword: adminPasswordOf(env),
    newNamespaces: env.NEW_NAMESPACES === 'public' ? 'public' : 'private',
    isLocal: env.LOCAL === 'true',
    allowsPrivateUpstreams: env.PRIVATE_UPSTREAMS === 'true',
    defaultMirror: env.DEFAULT_MIRROR || null,
    log: env.LOG === 'text' || env.LOG === 'off' ? env.LOG : 'json',
    maxAges: {
      membership: secondsOf(env.MEMBERSHIP_MAX_AGE, DEFAULT_MEMBERSHIP_MAX_AGE),
      tag: secondsOf(env.TAG_MAX_AGE, 0),
    },
    readWindow: wholeNumber(env.R2_READ_WINDOW) || Number.POSITIVE_INFINITY,
    lifetimes: readLifetimes(env.LIFETIMES),
    pullInterval: secondsOf(
      env.PULL_STATISTICS_INTERVAL,
      DEFAULT_PULL_INTERVAL,
      LONGEST_PULL_INTERVAL,
    ),
  };
}

/** A time that is not longer than the longest. */
function secondsOf(text: string | undefined, otherwise: number, longest = LONGEST_MAX_AGE): number {
  return Math.min(wholeNumber(text) ?? otherwise, longest);
}

function wholeNumber(text: string | undefined): number | null {
  return /^\d{1,15}$/.test(text ?? '') ? Number(text) : null;
}

function adminPasswordOf({ ADMIN_PASSWORD }: Env): string | null {
  return ADMIN_PASSWORD !== undefined && ADMIN_PASSWORD.length >= MIN_ADMIN_PASSWORD
    ? ADMIN_PASSWORD
    : null;
}
