import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { configFile } from '../config.ts';
import { UsageError } from '../errors.ts';

/** How much. */
export interface Amount {
  objects: number;
  bytes: number;
}

/** Something that is not as it should be. */
export interface Problem {
  kind: string;
  where: string;
  repository: string | null;
  digest: string;
  key: string | null;
  detail: string;
}

/** What the registry says of a step of its scrub. */
export interface Step {
  total?: Amount;
  objects: number;
  bytes: number;
  problems: Problem[];
  orphans: Amount;
  next: object | null;
}

/** A scrub so far. */
export interface Report {
  total: Amount;
  sample: { every: number; offset: number };
  objects: number; // that were read
  bytes: number;
  problems: Problem[];
  orphans: Amount;
  place: object | null; // where to go on; null at the beginning, and at the end
}

/** The report with what one more step found. */
export function withStep(report: Report, step: Step): Report {
  return {
    ...report,
    total: step.total ?? report.total,
    objects: report.objects + step.objects,
    bytes: report.bytes + step.bytes,
    problems: [...report.problems, ...step.problems],
    orphans: {
      objects: report.orphans.objects + step.orphans.objects,
      bytes: report.orphans.bytes + step.orphans.bytes,
    },
    place: step.next,
  };
}

/** The report of a scrub that was broken off. It lies beside the logins. */
export class KeptReport {
  readonly #file: string;

  constructor(registry: string) {
    const name = new URL(registry).host.replace(/[^\w.-]/g, '_');
    this.#file = join(dirname(configFile()), `scrub-${name}.json`);
  }

  /** @throws UsageError when there is none */
  async read(): Promise<Report> {
    try {
      return JSON.parse(await readFile(this.#file, 'utf8')) as Report;
    } catch {
      throw new UsageError('no scrub of this registry was broken off here; leave --resume out');
    }
  }

  /** Writes a file of its own first, so that one that was cut off is never read. */
  async write(report: Report): Promise<void> {
    const draft = `${this.#file}.${randomUUID()}`;
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
    await writeFile(draft, JSON.stringify(report), { flag: 'wx', mode: 0o600 });
    await rename(draft, this.#file);
  }

  async forget(): Promise<void> {
    await rm(this.#file, { force: true });
  }
}
