import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findCommand } from './commands.ts';
import type { Availability } from './suite.ts';

/** The clients that the Go module proxy has, each as a package at a version. */
const MODULES = {
  crane: 'github.com/google/go-containerregistry/cmd/crane@v0.21.9',
  oras: 'oras.land/oras/cmd/oras@v1.3.3',
  regctl: 'github.com/regclient/regclient/cmd/regctl@v0.11.5',
  helm: 'helm.sh/helm/v4/cmd/helm@v4.3.1',
  cosign: 'github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3',
} as const;

/** A client written in Go that is built on demand. */
export type GoClient = keyof typeof MODULES;

const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/edgewater-go');
const BUILD_TIMEOUT = 20 * 60_000; // cosign from an empty cache

/** The folders to put on the PATH for `installGoClient` to be of use. */
export function goClientFolders(): string[] {
  return (Object.keys(MODULES) as GoClient[]).map(folderOf);
}

/** Builds a client unless it was built before. Without Go, one that is on the PATH does as well. */
export async function installGoClient(name: GoClient): Promise<Availability> {
  const folder = folderOf(name);
  const version = versionOf(name);
  if (await exists(join(folder, name))) {
    return { version };
  }
  const go = await findCommand('go');
  if (go === null) {
    return (await findCommand(name)) === null
      ? { why: 'neither it nor Go is installed' }
      : { version: 'as installed' };
  }
  await build(go, name, folder);
  return { version };
}

/** Builds elsewhere and renames, so that an interrupted build leaves nothing that looks whole. */
async function build(go: string, name: GoClient, folder: string): Promise<void> {
  console.log(`${name}: building ${MODULES[name]}`);
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await promisify(execFile)(go, ['install', MODULES[name]], {
    cwd: unfinished, // a go.mod further up must not take part
    env: { ...process.env, GOFLAGS: '-trimpath', GOBIN: unfinished },
    timeout: BUILD_TIMEOUT,
  });
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);
}

function folderOf(name: GoClient): string {
  return join(CACHE, `${name}-${versionOf(name)}`);
}

function versionOf(name: GoClient): string {
  return MODULES[name].slice(MODULES[name].indexOf('@') + 1);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
