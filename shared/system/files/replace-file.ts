// Replaces a whole file. A concurrent reader finds the old content or the new, never half of one.
// Not with write-file-atomic: version 7 takes a short write, as on a full disk, for a whole one (measured with `ulimit -f`).

import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from './make-directory.ts';

/** Permissions of a new file, and of the directories above it. */
export interface Modes {
  readonly file: number;
  readonly directory: number;
}

/** For files that only this user may read. */
export const PRIVATE: Modes = { file: 0o600, directory: 0o700 };

/** Creates missing directories. Throws the file system's error, and then leaves no part of the file behind. */
export async function replaceFile(path: string, content: string | Buffer | Iterable<string>, modes: Modes | null = null): Promise<void> {
  makeDirectory(dirname(path), modes?.directory);
  // A name that nobody can guess, and `wx`: in a directory of others, a link of that name would lead the write elsewhere.
  const unfinished = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(unfinished, content, { mode: modes?.file ?? 0o666, flag: 'wx' });
    await rename(unfinished, path);
  } catch (thrown) {
    // A partial file would take up space that the next files need.
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw thrown;
  }
}
