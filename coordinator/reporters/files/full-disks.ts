// Folds write errors that share one cause: one problem per full or broken disk, however many files it affects.

import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { messageOf, ShardlineError } from '../../../shared/errors.ts';

/** Disk full, over quota, over a file size limit, I/O error, or read-only. Each affects every file on that disk. */
const DISK_ERRORS: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO']);

/** Returns the same problems, with one `disk-refuses` in place of all `output-not-writable` problems that one disk causes. */
export function foldFullDisks(problems: readonly ShardlineError[]): readonly ShardlineError[] {
  const byDisk = Map.groupBy(problems, diskOf);
  const others = byDisk.get(null) ?? [];
  byDisk.delete(null);
  return [...others, ...[...byDisk].map(([disk, lost]) => diskRefuses(disk ?? '', lost))];
}

function diskRefuses(disk: string, lost: readonly ShardlineError[]): ShardlineError {
  const files = [...new Set(lost.map(({ values }) => basename(String(values.path))))].join(', ');
  const cause = lost[0]?.cause;
  return new ShardlineError('disk-refuses', { disk, files, problem: messageOf(cause) }, { cause });
}

/** Returns the mount point of the disk that caused the problem, or null if no disk did. */
function diskOf({ code, cause, values }: ShardlineError): string | null {
  if (code !== 'output-not-writable' || !(cause instanceof Error && 'code' in cause && DISK_ERRORS.has(cause.code))) return null;
  let at = dirname(String(values.path));
  while (deviceOf(at) === null || deviceOf(at) === deviceOf(dirname(at))) {
    if (at === dirname(at)) break;
    at = dirname(at);
  }
  return at;
}

const deviceOf = (path: string): number | null => {
  try {
    return statSync(path).dev;
  } catch {
    return null;
  }
};
