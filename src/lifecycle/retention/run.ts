import type { Tag } from '../../oci/reference.ts';
import type { RetentionPolicy } from '../../storage/metadata/retention.ts';
import type { DoomedTag, RepositoryRow } from '../../storage/metadata/retention-tags.ts';
import type { Stores } from '../../storage/stores.ts';
import { type Budget, decideRepository, listRepositories } from './repository.ts';
import { parseRules, type Rules } from './rules.ts';

/** What a run that deletes has left. */
interface RunBudget extends Budget {
  batches: number; // of tags to delete
  marks: number; // of deleted tags, where answers about tags are remembered
}

/** What one run asks for at most: a batch has two statements. */
const LIMITS: RunBudget = { queries: 80, batches: 20, marks: 20 };

/** Tags that one transaction deletes. */
const BATCH = 250;

/** What a run did. */
export interface RetentionRun {
  repositories: number; // that it went through
  tags: number; // that it deleted
  skipped: string[]; // repositories with too many tags to decide about
  isDone: boolean; // false when there is more to do now
}

/** Runs the policies that are due, the one that has waited longest first, as far as one run may go. */
export async function runDue(stores: Stores): Promise<RetentionRun> {
  const run = newRun();
  const budget = { ...LIMITS };
  while (run.isDone) {
    if (budget.queries <= 0) {
      run.isDone = false;
      break;
    }
    budget.queries -= 2; // the policy, and that its run is through
    const policy = await stores.metadata.retention.due();
    if (policy === null) {
      return run;
    }
    await runPolicy(stores, policy, budget, run);
  }
  return run;
}

/** Goes on with one policy as far as one run may go; the clock does the rest. */
export async function runOne(stores: Stores, policy: RetentionPolicy): Promise<RetentionRun> {
  const run = newRun();
  await runPolicy(stores, policy, { ...LIMITS }, run);
  return run;
}

function newRun(): RetentionRun {
  return { repositories: 0, tags: 0, skipped: [], isDone: true };
}

async function runPolicy(
  stores: Stores,
  policy: RetentionPolicy,
  budget: RunBudget,
  run: RetentionRun,
): Promise<void> {
  const { retention, retentionTags } = stores.metadata;
  const rules = parseRules(policy.rules);
  for (let place: string | null = policy.place; place !== null; ) {
    const page = await listRepositories(retentionTags, policy.namespace, place, budget);
    for (const [index, repository] of page.repositories.entries()) {
      const { queries } = budget;
      run.isDone = await runRepository(stores, policy, rules, repository, budget, run);
      if (!run.isDone) {
        await retention.saveProgress(policy, repository.name);
        return;
      }
      run.repositories += 1;
      if (budget.queries < queries) {
        const next = page.repositories[index + 1]?.name ?? page.next;
        budget.queries -= 1;
        await retention.saveProgress(policy, next ?? repository.name);
      }
    }
    place = page.next;
  }
  await retention.finish(policy);
}

/** False when the run may do no more, and the repository has to be looked at again. */
async function runRepository(
  { metadata: { retentionTags }, memberships }: Stores,
  policy: RetentionPolicy,
  rules: Rules,
  repository: RepositoryRow,
  budget: RunBudget,
  run: RetentionRun,
): Promise<boolean> {
  if (budget.queries <= 0) {
    return false;
  }
  const decided = await decideRepository(retentionTags, rules, repository, budget);
  if (decided === null) {
    run.skipped.push(repository.name);
    return true;
  }
  const doomed = decided.flatMap(({ verdict, rule, name, digest, pushedAt }): DoomedTag[] =>
    verdict === 'delete' ? [{ name, digest, pushedAt, rule }] : [],
  );
  for (let start = 0; start < doomed.length; start += BATCH) {
    if (budget.batches <= 0) {
      return false;
    }
    budget.batches -= 1;
    const batch = doomed.slice(start, start + BATCH);
    const deleted = await retentionTags.deleteTags(policy, repository, batch);
    const marked = newest(batch, new Set(deleted), budget.marks);
    budget.marks -= marked.length;
    await memberships.forget('tags', repository.name, marked);
    run.tags += deleted.length;
  }
  return true;
}

/** At most `limit` of the deleted tags, those that were pushed last: they are likely to be remembered. */
function newest(batch: readonly DoomedTag[], deleted: ReadonlySet<Tag>, limit: number): Tag[] {
  return batch
    .filter(({ name }) => deleted.has(name))
    .sort((a, b) => b.pushedAt - a.pushedAt)
    .slice(0, limit)
    .map(({ name }) => name);
}
