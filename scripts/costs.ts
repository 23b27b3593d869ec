/**
 * Writes docs/costs.md: what the operations that test/costs counts cost at today's prices.
 *
 *     npm run costs
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { costsDocument } from './costs/document.ts';

await writeFile(join(import.meta.dirname, '../docs/costs.md'), costsDocument());
