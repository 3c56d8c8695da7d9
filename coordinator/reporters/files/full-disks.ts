// Outputs that could not be written because their disk takes no more data: one problem for each disk, however many files it concerns.

import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { messageOf, ShardlineError } from '../../../shared/errors.ts';

/** Full, over quota or a limit, read-only, broken: what is true of every file there. */
const DISK_ERRORS: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO']);

/** The same problems, but `disk-refuses` in place of every `output-not-writable` that a disk is the cause of. */
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

/** Where the disk is mounted that a problem is about; null where it is about something else. */
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
