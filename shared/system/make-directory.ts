// Makes the directories of shardline's own files. Node's recursive mkdir is not used: where a file system answers ENOENT below a directory that
// exists, as /proc does, it tries again without end and ignores every signal (Node.js 22).

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';

/** The folder that shardline keeps in a project. */
const OWN_FOLDER = '.shardline';

/** Makes `path` and the directories above it, each with `mode`. Throws the file system's error; a directory that exists is none. */
export function makeDirectory(path: string, mode = 0o777): void {
  const missing: string[] = [];
  for (let at = resolve(path); !isDirectory(at); at = dirname(at)) missing.push(at);
  for (const each of missing.reverse()) makeOne(each, mode);
  ignoreInGit(resolve(path));
}

/** Throws where something other than a directory has that name. */
function isDirectory(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) throw new Error(`${path} is not a directory`);
  return found !== undefined;
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (thrown) {
    // Another process may have made it meanwhile.
    if (!isDirectory(path)) throw thrown;
  }
}

/** Gives `.shardline` its own .gitignore, as pytest's cache has one. Never replaces one, and never fails: the files that follow report the problem. */
function ignoreInGit(path: string): void {
  const parts = path.split(sep);
  const at = parts.lastIndexOf(OWN_FOLDER);
  if (at === -1) return;
  try {
    writeFileSync(join(parts.slice(0, at + 1).join(sep), '.gitignore'), '*\n', { flag: 'wx' });
  } catch {
    // It exists, or nothing can be written there.
  }
}
