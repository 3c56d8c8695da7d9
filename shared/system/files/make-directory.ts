// Creates the directories of shardline's own files. It avoids Node's recursive mkdir: if a file system answers ENOENT below an existing
// directory, as /proc does, that call retries forever and ignores every signal (Node.js 22).

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';

/** shardline's folder in a project. */
const OWN_FOLDER = '.shardline';

/** Creates `path` and its missing parents, each with `mode`. Throws the file system's error; an existing directory is not an error. */
export function makeDirectory(path: string, mode = 0o777): void {
  const missing: string[] = [];
  for (let at = resolve(path); !isDirectory(at); at = dirname(at)) missing.push(at);
  for (const each of missing.reverse()) makeOne(each, mode);
  ignoreInGit(resolve(path));
}

/** Removes an empty directory, and resolves with whether it did. Leaves anything else alone. */
export const removeEmpty = (path: string): Promise<boolean> =>
  rmdir(path).then(
    () => true,
    () => false,
  );

/** Throws when the path exists and is not a directory. */
function isDirectory(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) throw new Error(`${path} is not a directory`);
  return found !== undefined;
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (thrown) {
    // Another process may have created it in the meantime.
    if (!isDirectory(path)) throw thrown;
  }
}

/**
 * Writes a .gitignore into `.shardline`, as pytest does for its cache. Never replaces an existing one and never fails: writing the
 * following files reports the problem.
 */
function ignoreInGit(path: string): void {
  const parts = path.split(sep);
  const at = parts.lastIndexOf(OWN_FOLDER);
  if (at === -1) return;
  try {
    writeFileSync(join(parts.slice(0, at + 1).join(sep), '.gitignore'), '*\n', { flag: 'wx' });
  } catch {
    // The file exists, or the directory is not writable.
  }
}
