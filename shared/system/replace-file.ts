// Replaces a whole file. A concurrent reader finds the old content or the new, never half of one.

import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { makeDirectory } from './make-directory.ts';

/** Permissions of a new file, and of the directories above it. */
export interface Modes {
  readonly file: number;
  readonly directory: number;
}

/** For files that only this user may read. */
export const PRIVATE: Modes = { file: 0o600, directory: 0o700 };

/** Creates missing directories. Throws the file system's error, and then leaves no part of the file behind. */
export async function replaceFile(path: string, content: string | Buffer, modes: Modes | null = null): Promise<void> {
  makeDirectory(dirname(path), modes?.directory);
  // The file need not outlive a power failure, and syncing takes as long as a short run.
  await writeFileAtomic(path, content, { fsync: false, ...(modes === null ? {} : { mode: modes.file }) });
}
