/** Who may import whom, and which room may name what: docs/architecture.md, checked. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const SOURCE = resolve(import.meta.dirname, '../src');

/** A room, or "type room" where only types of it may be imported. A room may import itself. */
const IMPORTS: Record<string, readonly string[]> = {
  oci: [],
  streams: [],
  rpc: ['oci'],
  http: ['oci', 'streams'],
  throttle: [],
  auth: ['oci', 'rpc', 'storage', 'type throttle', 'type env'],
  accounts: ['auth', 'storage', 'oci', 'upstream/address', 'type upstream'],
  admin: ['accounts', 'lifecycle', 'auth', 'http', 'oci', 'streams', 'type storage'],
  storage: ['oci'],
  uploads: ['storage', 'oci', 'rpc', 'streams', 'type env'],
  upstream: ['oci', 'rpc', 'storage', 'streams', 'auth/sealing', 'type env'],
  mirror: [
    'upstream',
    'storage',
    'oci',
    'rpc',
    'streams',
    'auth/globs',
    'registry/new-manifest',
    'type env',
  ],
  transfer: [
    'registry',
    'mirror',
    'upstream',
    'storage',
    'oci',
    'streams',
    'auth/globs',
    'type env',
  ],
  registry: ['type uploads', 'type mirror', 'storage', 'oci', 'rpc'],
  handlers: ['registry', 'auth', 'http', 'oci'],
  lifecycle: ['storage', 'oci', 'auth/globs'],
  router: [
    'handlers',
    'admin',
    'http',
    'oci',
    'type auth',
    'type registry',
    'type storage',
    'type upstream',
    'type env',
  ],
  env: [
    'type uploads',
    'type throttle',
    'type mirror',
    'type upstream',
    'type transfer',
    'type http',
    'storage',
  ],
  index: [
    'router',
    'type handlers',
    'auth',
    'registry',
    'storage',
    'uploads',
    'throttle',
    'mirror',
    'upstream',
    'transfer',
    'rpc',
    'env',
    'lifecycle',
  ],
};

const PACKAGES: Record<string, readonly string[]> = {
  oci: ['node:crypto'],
  auth: ['jose', 'ipaddr.js', 'node:crypto', 'node:util', 'node:zlib'],
  storage: ['cloudflare:workers'],
  throttle: ['cloudflare:workers'],
  upstream: ['ipaddr.js', 'cloudflare:workers'],
  mirror: ['cloudflare:workers'],
  transfer: ['cloudflare:workers'],
  accounts: ['node:crypto'],
  admin: ['itty-router', 'zod'],
  uploads: ['node:crypto', 'cloudflare:workers'],
  router: ['itty-router'],
};

/** What to say to a room that takes the short way. */
const DETOURS: Record<string, string> = {
  'handlers storage': 'go through registry/',
  'handlers uploads': 'go through registry/',
  'router storage': 'go through handlers/ and registry/',
  'router auth': 'only its types: index.ts makes the Authority',
  'router registry': 'only its types: go through handlers/',
  'registry http': 'registry/ knows no HTTP: pass parsed values',
  'registry uploads': 'only its types: the object is asked through its stub',
  'uploads http': 'uploads/ knows no HTTP: pass parsed values',
  'storage http': 'storage/ knows no HTTP',
  'index http': 'go through router.ts',
};

/** Which rooms, or single files, may name a global. */
const NAMES: readonly { what: string; name: RegExp; rooms: readonly string[] }[] = [
  {
    what: 'Request or Response',
    name: /\b(Request|Response)\b/,
    rooms: [
      'http',
      'handlers',
      'admin',
      'router',
      'index',
      'upstream',
      'mirror',
      'storage/edge-cache.ts',
    ],
  },
  {
    what: 'Headers',
    name: /\bHeaders\b/,
    rooms: ['http', 'handlers', 'admin', 'router', 'index', 'upstream'],
  },
  { what: 'D1', name: /\bD1[A-Z]\w*/, rooms: ['storage', 'env'] },
  { what: 'R2', name: /\bR2[A-Z]\w*/, rooms: ['storage', 'env'] },
  {
    what: 'the Cache API',
    name: /\b(Cache|CacheStorage|caches)\b/,
    rooms: ['storage/edge-cache.ts'],
  },
  {
    what: 'a Durable Object',
    name: /\bDurableObject\w*/,
    rooms: ['uploads', 'throttle', 'auth', 'registry', 'mirror', 'upstream', 'transfer', 'env'],
  },
];

interface SourceFile {
  path: string;
  room: string;
  code: string; // without comments and strings
  imports: { specifier: string; isType: boolean }[];
}

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map(read);

function read(path: string): SourceFile {
  const text = readFileSync(join(SOURCE, path), 'utf8').replace(
    /\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm,
    '',
  );
  const statements = text.matchAll(
    /^(?:import|export)\s(?:(type)\s)?([^'";=]*?)\s*from\s*'([^']+)'/gm,
  );
  const imports = Array.from(statements, ([, type, names = '', specifier = '']) => ({
    specifier,
    isType: type !== undefined || onlyTypes(names),
  }));
  return { path, room: roomOf(path), code: text.replace(/'[^'\n]*'|`[^`]*`/g, "''"), imports };
}

/** True for `{ type A, type B }`. */
function onlyTypes(names: string): boolean {
  const inner = /^\{([\s\S]*)\}$/.exec(names)?.[1]?.split(',') ?? [''];
  return (
    inner.every((name) => name.trim() === '' || name.trim().startsWith('type ')) && inner[0] !== ''
  );
}

function roomOf(path: string): string {
  return path.split('/')[0]?.replace(/\.ts$/, '') ?? '';
}

function targetOf(file: SourceFile, specifier: string): string {
  return relative(SOURCE, resolve(SOURCE, dirname(file.path), specifier));
}

function violations(file: SourceFile): string[] {
  const allowed = IMPORTS[file.room] ?? [];
  return file.imports.flatMap(({ specifier, isType }) => {
    if (!specifier.startsWith('.')) {
      const packages = PACKAGES[file.room] ?? [];
      return packages.includes(specifier) ? [] : [`${file.path} imports the package ${specifier}`];
    }
    const target = targetOf(file, specifier);
    const room = roomOf(target);
    const isAllowed =
      room === file.room ||
      allowed.includes(room) ||
      allowed.includes(target.replace(/\.ts$/, '')) ||
      (isType && allowed.includes(`type ${room}`));
    const place = target.includes('/') ? `${room}/` : target;
    const detour = DETOURS[`${file.room} ${room}`] ?? 'see the table in docs/architecture.md';
    return isAllowed ? [] : [`${file.path} imports ${place}: ${detour}`];
  });
}

describe('imports', () => {
  test('every room of src is in the table', () => {
    expect([...new Set(files.map((file) => file.room))].sort()).toEqual(
      Object.keys(IMPORTS).sort(),
    );
  });

  test.each(Object.keys(IMPORTS))('%s imports what the table allows', (room) => {
    const own = files.filter((file) => file.room === room);
    expect(own.length).toBeGreaterThan(0);
    expect(own.flatMap(violations)).toEqual([]);
  });

  test('a short way is reported with the way to go', () => {
    const file: SourceFile = {
      path: 'handlers/blobs.ts',
      room: 'handlers',
      code: '',
      imports: [{ specifier: '../storage/blob-store.ts', isType: true }],
    };
    expect(violations(file)).toEqual(['handlers/blobs.ts imports storage/: go through registry/']);
  });

  test('no module is imported for its effects or at run time', () => {
    const hidden = files.filter((file) =>
      /^import '|\bimport\(|(?<![#.\w])require\(/m.test(file.code),
    );
    expect(hidden.map((file) => file.path)).toEqual([]);
  });
});

describe('names', () => {
  test.each(NAMES)('$what: only in $rooms', ({ name, rooms }) => {
    const named = files.filter((file) => name.test(file.code));
    expect(
      named
        .filter(({ room, path }) => !rooms.includes(room) && !rooms.includes(path))
        .map(({ path }) => path),
    ).toEqual([]);
  });

  test('Response and D1Database are never in the same file', () => {
    const both = files.filter(
      ({ code }) => /\bResponse\b/.test(code) && /\bD1Database\b/.test(code),
    );
    expect(both.map((file) => file.path)).toEqual([]);
  });

  test('nobody exports a default but the Worker', () => {
    const defaults = files.filter((file) => /^export default\b/m.test(file.code));
    expect(defaults.map((file) => file.path)).toEqual(['index.ts']);
  });
});

test('the Worker knows how many migrations it needs', () => {
  const migrations = readdirSync(resolve(SOURCE, 'storage/migrations'));
  const code = readFileSync(resolve(SOURCE, 'storage/metadata/metadata-store.ts'), 'utf8');
  expect(/MIGRATIONS = (\d+);/.exec(code)?.[1]).toBe(String(migrations.length));
});

test('the runtime dependencies are the ones of docs/architecture.md', () => {
  const manifest = JSON.parse(readFileSync(resolve(SOURCE, '../package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  expect(manifest.dependencies).toEqual({
    'ipaddr.js': '2.5.0',
    'itty-router': '5.0.24',
    jose: '6.2.18',
    zod: '4.6.7',
  });
});
