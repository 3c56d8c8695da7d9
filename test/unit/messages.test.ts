// What the program prints refers to no page of docs/: the packages contain none, and there is no public address.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/process.ts';

/** Lines of source without comments. The address of a provider's page, in a comment or not, is none of ours. */
const codeOf = (text: string): readonly string[] =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*(\/\/|#).*$/, '').replaceAll(/https?:\/\/\S+/g, ''));

test.each(['cli', 'agent', 'coordinator', 'shared'])('no message of %s refers to docs/', (folder) => {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) => /\.(tsx?|py)$/.test(name));
  expect(files.length).toBeGreaterThan(5);
  const found = files.flatMap((name) =>
    codeOf(readFileSync(join(root, folder, name), 'utf8')).flatMap((line) =>
      line.includes('docs/') ? [`${folder}/${name}: ${line}`] : [],
    ),
  );
  expect(found).toEqual([]);
});
