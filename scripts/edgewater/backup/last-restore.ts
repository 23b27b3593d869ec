import { type Api, apiPath } from '../api.ts';

/** The restore that was begun last in a registry. */
export interface LastRestore {
  backup: string; // its id
  phase: 'open' | 'given up' | 'done';
}

interface Entry {
  id: number;
  target: string;
}

/** Finds it in the audit log, which notes where each begins and ends; null when there is none. */
export async function findLastRestore(api: Api): Promise<LastRestore | null> {
  const begun = await lastEntry(api, 'restore.begin', 0);
  if (begun === null) {
    return null;
  }
  // What comes before is of the registry that was saved.
  const phase = (await lastEntry(api, 'restore.end', begun.id))
    ? 'done'
    : (await lastEntry(api, 'restore.give-up', begun.id))
      ? 'given up'
      : 'open';
  return { backup: begun.target, phase };
}

async function lastEntry(api: Api, event: string, after: number): Promise<Entry | null> {
  const entries: Entry[] = [];
  let page: { entries: Entry[]; next?: string };
  for (let from = String(after); ; from = page.next) {
    page = await api.get(apiPath`/audit`, { event, after: from });
    entries.push(...page.entries);
    if (page.next === undefined) {
      return entries.at(-1) ?? null;
    }
  }
}
