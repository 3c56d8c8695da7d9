// Hashes the contents of the discovered files.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestFile } from '../../shared/domain/ids.ts';

/** Number of files read at once. */
const AT_ONCE = 64;

/** SHA-256 of each file below `rootdir`. An unreadable file has no hash, so comparisons treat it as changed. */
export async function fileContents(rootdir: string, files: readonly TestFile[]): Promise<ReadonlyMap<TestFile, string>> {
  const contents = new Map<TestFile, string>();
  const waiting = [...files];
  const read = async (): Promise<void> => {
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      const bytes = await readFile(join(rootdir, file)).catch(() => null);
      if (bytes !== null) contents.set(file, createHash('sha256').update(bytes).digest('hex'));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, read));
  return contents;
}
