// Finds the files of a finished run by the name that a user gives.

import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ShardlineError } from '../errors.ts';

/** Returns the named file, the named folder, or the folder of the run with this id in `.shardline/runs`. Throws `not-a-result`. */
export async function findRun(name: string, cwd: string): Promise<{ readonly kind: 'file' | 'folder'; readonly path: string }> {
  const given = resolve(cwd, name);
  for (const path of [given, join(cwd, '.shardline', 'runs', name)]) {
    const found = await stat(path).catch(() => null);
    if (found?.isFile()) return { kind: 'file', path };
    if (found?.isDirectory()) return { kind: 'folder', path };
  }
  throw new ShardlineError('not-a-result', { path: given, problem: 'no such file or directory' });
}
