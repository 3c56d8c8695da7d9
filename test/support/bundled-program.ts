// Builds the program for the tests that run it: bundled and with its pages, a run takes three quarters of the processor time that it takes
// from the sources (measured). It reads Python files and Lua scripts from the sources.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'rolldown';
import type { TestProject } from 'vitest/node';
import { writePages } from '../../scripts/pages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, '.shardline', 'test', 'programs');
const pages = join(root, 'coordinator', 'web', 'bundle-cache.ts');

/** A killed vitest leaves its program. */
const LEFT_BEHIND_MS = 24 * 60 * 60_000;

/** For `globalSetup`: names the program in SHARDLINE_TEST_PROGRAM. Returns what removes it. */
export default async function setup(project: TestProject): Promise<() => void> {
  mkdirSync(folder, { recursive: true });
  for (const old of readdirSync(folder).map((name) => join(folder, name))) {
    if (Date.now() - statSync(old).mtimeMs > LEFT_BEHIND_MS) rmSync(old, { recursive: true, force: true });
  }
  // Each run of vitest has its own, so that a second one does not change the program of the first.
  const directory = mkdtempSync(join(folder, 'program-'));
  await buildInto(directory);
  project.onTestsRerun(() => buildInto(directory));
  process.env.SHARDLINE_TEST_PROGRAM = join(directory, 'shardline.js');
  return () => rmSync(directory, { recursive: true, force: true });
}

async function buildInto(directory: string): Promise<void> {
  await writePages(join(directory, 'built'));
  await build({
    input: join(root, 'cli', 'shardline.ts'),
    platform: 'node',
    tsconfig: false,
    // Bundles pages, which are already built.
    external: ['rolldown'],
    plugins: [keepPlaces(directory)],
    output: { dir: directory, format: 'esm' },
    logLevel: 'silent',
  });
}

/** The program finds files from `import.meta.url`, which must be that of the source, or for pages that of the built ones. */
const keepPlaces = (directory: string): Plugin => ({
  name: 'keep-places',
  transform(code, id) {
    if (!id.startsWith(root) || id.includes('/node_modules/') || !code.includes('import.meta.url')) return null;
    const place = id === pages ? join(directory, 'bundle-cache.js') : id;
    return code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(place).href));
  },
});
