/** docs/costs.md is what `npm run costs` writes. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { costsDocument } from '../../scripts/costs/document.ts';

test('docs/costs.md is up to date: npm run costs', () => {
  const file = resolve(import.meta.dirname, '../../docs/costs.md');
  expect(readFileSync(file, 'utf8')).toBe(costsDocument());
});
