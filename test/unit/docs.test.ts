// The documentation matches the program.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pages } from '../../scripts/docs-text.ts';
import { root } from '../../scripts/process.ts';
import { errorCodes } from '../../shared/errors.ts';

test.each([...pages])('%s matches the output of scripts/docs.ts', (path, text) => {
  expect(readFileSync(join(root, path), 'utf8')).toBe(text());
});

test('every file that README, CONTRIBUTING and docs/ link to exists', () => {
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  for (const page of ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs.map((name) => `docs/${name}`)]) {
    const text = readFileSync(join(root, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      expect(() => readFileSync(join(root, page, '..', target)), `${page} refers to ${target}`).not.toThrow();
    }
  }
});

test('every row of the error table is thrown somewhere', () => {
  const sources = ['cli', 'shared', 'coordinator', 'agent'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && name !== 'errors.ts')
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  );
  const thrown = new Set(sources.flatMap((source) => [...source.matchAll(/ShardlineError\(\s*'([a-z-]+)'/g)].map(([, code]) => code)));
  expect(errorCodes.filter((code) => !thrown.has(code))).toEqual([]);
});
