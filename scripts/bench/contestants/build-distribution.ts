import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findCommand } from '../../clients/commands.ts';

const VERSION = 'v3.1.2';
const PACKAGE = `github.com/distribution/distribution/v3/cmd/registry@${VERSION}`;
const FOLDER = resolve(
  import.meta.dirname,
  `../../../node_modules/.cache/edgewater-go/distribution-${VERSION}`,
);
const BUILD_TIMEOUT = 20 * 60_000; // milliseconds, from an empty cache

/** The path of the program, built unless it was built before. */
export async function buildDistribution(): Promise<string | { why: string }> {
  const program = join(FOLDER, 'registry');
  if (await exists(program)) {
    return program;
  }
  const go = await findCommand('go');
  if (go === null) {
    return { why: 'not built: Go is not installed' };
  }
  console.log(`distribution: building ${PACKAGE}`);
  // Built elsewhere and renamed, so that an interrupted build leaves nothing that looks whole.
  const unfinished = `${FOLDER}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await promisify(execFile)(go, ['install', PACKAGE], {
    cwd: unfinished, // a go.mod further up must not take part
    env: { ...process.env, GOFLAGS: '-trimpath', GOBIN: unfinished },
    timeout: BUILD_TIMEOUT,
  });
  await rm(FOLDER, { recursive: true, force: true });
  await rename(unfinished, FOLDER);
  return program;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
