import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { RegistryError } from '../oci/errors.ts';

const FRESH_TIME = 10 * 60 * 1000; // milliseconds
const REFETCH_INTERVAL = 30 * 1000; // milliseconds, however many unknown keys are asked for
const RETRY_INTERVAL = 5 * 1000; // milliseconds, while there are no keys at all
const TIMEOUT = 5 * 1000; // milliseconds, for the discovery document and the keys together
const POLL_INTERVAL = 50; // milliseconds
const MAX_LENGTH = 256 * 1024; // bytes
const MAX_ISSUERS = 100;

type KeyFinder = ReturnType<typeof createLocalJWKSet>;

/** What is known of an issuer; times are milliseconds since the epoch. */
interface CachedKeys {
  set: JSONWebKeySet | null; // null while no fetch has succeeded
  fetchedAt: number;
  triedAt: number; // of fetches that failed, or that were for keys beyond the first ones
  busyUntil: number; // some request fetches, if it has not been cut
}

/**
 * What this isolate has fetched, the issuer that was not asked for the longest first. It holds data
 * and no promises: one of another request may never settle.
 */
const cache = new Map<string, CachedKeys>();

/**
 * The signing keys of an OIDC issuer, with the one of id `keyId` if the issuer has published it. Keys
 * that were fetched once stay while the issuer does not answer, and unknown ids, however many, fetch
 * once in 30 seconds (CVE-2026-48524).
 *
 * Source: https://openid.net/specs/openid-connect-discovery-1_0.html section 4
 *
 * @param keyId '' for a token that names no key
 * @param allowsLocal on somebody's own machine: http on loopback is good
 * @throws UNAVAILABLE when the issuer does not answer and has not before
 */
export async function keysOf(
  issuer: string,
  keyId: string,
  allowsLocal: boolean,
): Promise<KeyFinder> {
  const entry = use(issuer);
  const isKnown = entry.set?.keys.some(({ kid }) => kid === keyId) ?? false;
  const now = Date.now();
  const interval = entry.set === null ? RETRY_INTERVAL : REFETCH_INTERVAL;
  if (!isKnown && now < entry.busyUntil) {
    await waitWhileBusy(entry);
  } else if ((!isKnown || now - entry.fetchedAt > FRESH_TIME) && now - entry.triedAt >= interval) {
    await refetch(issuer, entry, allowsLocal);
  }
  if (entry.set === null) {
    throw new RegistryError('UNAVAILABLE', `the issuer ${issuer} does not answer; try again`);
  }
  return createLocalJWKSet(entry.set);
}

/** The entry of an issuer, which becomes the last to be forgotten. */
function use(issuer: string): CachedKeys {
  const entry = cache.get(issuer) ?? { set: null, fetchedAt: 0, triedAt: 0, busyUntil: 0 };
  cache.delete(issuer);
  cache.set(issuer, entry);
  const [oldest] = cache.keys();
  if (cache.size > MAX_ISSUERS && oldest !== undefined) {
    cache.delete(oldest);
  }
  return entry;
}

/** Waits by a clock of its own until another request has fetched, or should have. */
async function waitWhileBusy(entry: CachedKeys): Promise<void> {
  while (Date.now() < entry.busyUntil) {
    await scheduler.wait(POLL_INTERVAL);
  }
}

/** Replaces the keys by those that the issuer publishes now, if it does. */
async function refetch(issuer: string, entry: CachedKeys, allowsLocal: boolean): Promise<void> {
  const now = Date.now();
  const isFirst = entry.set === null;
  entry.triedAt = now;
  entry.busyUntil = now + TIMEOUT;
  try {
    entry.set = await fetchKeys(issuer, allowsLocal);
    entry.fetchedAt = now;
    entry.triedAt = isFirst ? 0 : now;
  } catch (error) {
    entry.triedAt = Date.now(); // the interval begins where the waiting ended
    console.error(`the keys of ${issuer} could not be fetched:`, error);
  } finally {
    entry.busyUntil = 0;
  }
}

async function fetchKeys(issuer: string, allowsLocal: boolean): Promise<JSONWebKeySet> {
  const signal = AbortSignal.timeout(TIMEOUT);
  const place = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = await fetchJson(place, allowsLocal, signal);
  if (document.issuer !== issuer) {
    throw new Error(`it calls itself ${document.issuer}`);
  }
  const set = await fetchJson(String(document.jwks_uri), allowsLocal, signal);
  createLocalJWKSet(set as unknown as JSONWebKeySet); // throws unless it is one
  const { keys } = set as unknown as JSONWebKeySet;
  if (keys.length === 0) {
    throw new Error('it has published no keys');
  }
  return { keys };
}

async function fetchJson(
  place: string,
  allowsLocal: boolean,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  if (!isTrustworthy(place, allowsLocal)) {
    throw new Error(`${place} is not the https URL of a host on the internet`);
  }
  const response = await fetch(place, {
    redirect: 'manual', // it could lead anywhere; Workers have no 'error'
    headers: { Accept: 'application/json' },
    signal,
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${place} answers ${response.status}`);
  }
  const value: unknown = JSON.parse(await readText(response.body));
  if (typeof value !== 'object' || value === null) {
    throw new Error(`${place} answers no JSON object`);
  }
  return value as Record<string, unknown>;
}

async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_LENGTH) {
      throw new Error('it answers too much');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** True for https URLs of named hosts; on somebody's own machine for http on loopback as well. */
export function isTrustworthy(place: string, allowsLocal: boolean): boolean {
  const url = URL.parse(place);
  if (url === null || url.username !== '' || url.password !== '') {
    return false;
  }
  const host = url.hostname.replace(/\.$/, '');
  if (host === '127.0.0.1' || host === 'localhost') {
    return allowsLocal && (url.protocol === 'http:' || url.protocol === 'https:');
  }
  const isNamed = host.includes('.') && !/^[\d.]+$/.test(host) && !host.endsWith('.localhost');
  return url.protocol === 'https:' && isNamed;
}
