/**
 * Does some work for each item, for at most `limit` at a time, and waits for all that has begun.
 *
 * @returns what came of each, in the order of the items
 * @throws what the first one that failed threw; nothing new begins then
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  let hasFailed = false;
  const worker = async () => {
    for (const [at, item] of queue) {
      results[at] = await work(item).catch((error: unknown) => {
        hasFailed = true;
        throw error;
      });
      if (hasFailed) {
        return;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: limit }, worker));
  for (const end of ended) {
    if (end.status === 'rejected') {
      throw end.reason;
    }
  }
  return results;
}
