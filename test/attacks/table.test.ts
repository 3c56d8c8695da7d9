// The table of attacks names tests that exist, and the page of the docs has the same rows.

import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { attacks, rows } from './table.ts';

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

test('each attack has a test of that name', async () => {
  expect(attacks.length).toBeGreaterThanOrEqual(31);
  for (const { attack, shownBy } of attacks) {
    expect(shownBy.length, attack).toBeGreaterThan(0);
    for (const [file, title] of shownBy) expect(await read(file), `${attack}: ${file}`).toContain(title);
  }
});

test('docs/attacks.md lists every attack', async () => {
  const page = await read('docs/attacks.md');
  expect(page.split('\n').filter((line) => /^\| \d+ \|/.test(line))).toEqual(rows());
});
