// pytest's cache directory on this disk: reads and writes its values the way pytest does.

import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { CacheValues } from '../domain/suite/pytest-cache.ts';
import { isDirectory } from '../system/files/is-directory.ts';
import { stepwiseValueSchema } from '../wire/suite/pytest-cache.ts';

const VALUES = 'v';

/** The files that pytest writes into a new cache directory; the same from pytest 7 to 9. */
const SUPPORTING_FILES = {
  'README.md': `# pytest cache directory #

This directory contains data from the pytest's cache plugin,
which provides the \`--lf\` and \`--ff\` options, as well as the \`cache\` fixture.

**Do not** commit this to version control.

See [the docs](https://docs.pytest.org/en/stable/how-to/cache.html) for more information.
`,
  '.gitignore': '# Created by pytest automatically.\n*\n',
  'CACHEDIR.TAG': `Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by pytest.
# For information about cache directory tags, see:
#	https://bford.info/cachedir/spec.html
`,
} as const;

/** A value that is missing, unreadable or in another format counts as empty, as it does for pytest. */
export async function readCacheValues(directory: string): Promise<CacheValues> {
  const [lastfailed, nodeids, stepwise] = await Promise.all([
    readValue(directory, 'cache/lastfailed', z.record(z.string(), z.unknown()), {}),
    readValue(directory, 'cache/nodeids', z.array(z.string()), []),
    readValue(directory, 'cache/stepwise', stepwiseValueSchema, null),
  ]);
  return { lastfailed: Object.keys(lastfailed), nodeids, stepwise };
}

async function readValue<Value>(directory: string, key: string, schema: z.ZodType<Value>, fallback: Value): Promise<Value> {
  try {
    const found = schema.safeParse(JSON.parse(await readFile(join(directory, VALUES, key), 'utf8')));
    return found.success ? found.data : fallback;
  } catch {
    return fallback;
  }
}

/** Creates the directory if it does not exist. Rejects when it cannot be written. */
export async function writeCacheFiles(directory: string, files: readonly { readonly key: string; readonly text: string }[]): Promise<void> {
  if (files.length > 0) await makeDirectory(directory);
  for (const { key, text } of files) {
    const path = join(directory, VALUES, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

/** Creates the directory next to its final path first, so that a concurrent pytest never sees it half-written. */
async function makeDirectory(directory: string): Promise<void> {
  if (await isDirectory(directory)) return;
  await mkdir(dirname(directory), { recursive: true });
  const unfinished = await mkdtemp(join(dirname(directory), 'pytest-cache-files-'));
  try {
    const made = join(unfinished, 'cache');
    // mkdtemp makes a directory that only its owner can enter; this one gets normal permissions.
    await mkdir(made);
    for (const [name, text] of Object.entries(SUPPORTING_FILES)) await writeFile(join(made, name), text);
    await rename(made, directory);
  } catch (thrown) {
    if (!(await isDirectory(directory))) throw thrown;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
