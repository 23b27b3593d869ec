import { setTimeout as sleep } from 'node:timers/promises';
import { type Content, makeContent } from '../../bench/load/content.ts';
import type { Repository } from '../repository.ts';

/** What slow readers read. */
export interface Layer {
  name: string; // "warm, one PUT"
  content: Content;
}

const SIZE = 64 * 2 ** 20; // bytes

/** The cache is filled behind the first pull's back. */
const FILLING = 3000; // milliseconds

/** New layers, pushed in one PUT and in parts; the warm ones have been pulled, the cold ones not. */
export async function pushLayers(repository: Repository): Promise<Layer[]> {
  const layers: Layer[] = [];
  for (const [how, flow] of [['one PUT', 'monolithic'] as const, ['parts', 'streamed'] as const]) {
    for (const warmth of ['warm', 'cold']) {
      const content = makeContent(SIZE);
      await repository.pushBlob(content, flow);
      if (warmth === 'warm') {
        await repository.pullBlob(content);
      }
      layers.push({ name: `${warmth}, ${how}`, content });
    }
  }
  await sleep(FILLING);
  return layers;
}
