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

test('each attack whose messages are rejected has a test that they are printed and counted', async () => {
  const rejecting = attacks.filter(({ now }) => /\brejected\b/.test(now));
  expect(rejecting.length).toBeGreaterThanOrEqual(9);
  for (const { attack, shownBy } of rejecting) {
    const tests = await Promise.all(shownBy.map(async ([file, title]) => bodyOf(await read(file), title)));
    expect(
      tests.some((body) => body.includes('expectRejected(')),
      attack,
    ).toBe(true);
  }
});

/** The text of a test, up to the next one of its file. */
const bodyOf = (text: string, title: string): string => text.slice(text.indexOf(title)).split(/\n {0,2}test[(.]/)[0] ?? '';

test('docs/attacks.md lists every attack', async () => {
  const page = await read('docs/attacks.md');
  expect(page.split('\n').filter((line) => /^\| \d+ \|/.test(line))).toEqual(rows());
});
