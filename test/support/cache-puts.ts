/** Counts what is put into the edge cache. */
import { vi } from 'vitest';

/** How often `work` puts something into the edge cache. */
export async function cachePutsDuring(work: () => Promise<unknown>): Promise<number> {
  const cache = await caches.open('edgewater');
  const put = vi.spyOn(Object.getPrototypeOf(cache), 'put');
  try {
    await work();
    return put.mock.calls.length;
  } finally {
    put.mockRestore();
  }
}
