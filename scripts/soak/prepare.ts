import { openMetadata } from './audit.ts';
import { namespaces } from './clients.ts';
import type { RegistryProcess } from './registry-process.ts';
import type { Windows } from './windows.ts';

/** Starts a new registry whose deleted manifests can be restored for seconds, not for days. */
export async function prepareRegistry(registry: RegistryProcess, windows: Windows): Promise<void> {
  await registry.start(); // makes the database
  await registry.kill();
  const metadata = await openMetadata(registry.state);
  for (const namespace of namespaces()) {
    metadata
      .prepare('INSERT INTO namespaces (name, is_public, restore_days) VALUES (?1, 1, ?2)')
      .run(namespace, windows.restore / 86_400);
  }
  metadata.close();
  await registry.start();
}
