/** What steps did, by their names, and what others of them failed with. */
export interface Attempt<Result> {
  results: Record<string, Result>;
  failures: unknown[];
}

/** Takes steps in their order. One that fails does not keep the others from their work. */
export async function takeSteps<Result>(
  steps: Readonly<Record<string, () => Promise<Result>>>,
): Promise<Attempt<Result>> {
  const attempt: Attempt<Result> = { results: {}, failures: [] };
  for (const [step, take] of Object.entries(steps)) {
    try {
      attempt.results[step] = await take();
    } catch (error) {
      console.error(`The step ${step} of the clock's work failed:`, error);
      attempt.failures.push(error);
    }
  }
  return attempt;
}
