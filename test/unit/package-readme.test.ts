// The description of the Python package.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageReadme } from '../../scripts/package-readme.ts';
import { root } from '../../scripts/process.ts';

const text = readFileSync(join(root, 'README.md'), 'utf8');

test('has no link or image that only works in the repository', () => {
  const targets = Array.from(packageReadme(text).matchAll(/\]\(([^)]*)\)/g), ([, target = '']) => target);
  expect(targets.length).toBeGreaterThan(0);
  expect(targets.filter((target) => !target.startsWith('https://'))).toEqual([]);
});

test('keeps the rest of the README', () => {
  const description = packageReadme(text);
  const headings = (from: string): string[] => from.match(/^## .*/gm) ?? [];
  expect(headings(description)).toEqual(headings(text).filter((heading) => heading !== '## Read on'));
  expect(description).toContain('docs/ci.md in the repository has the details.');
  expect(description.trimEnd().endsWith('MIT licence.')).toBe(true);
});
