// Reads a `report.json`.

import { constants } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import type { Report } from '../../shared/domain/report.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { decodeReport } from '../../shared/wire/report/report.ts';

/** What one string can hold, in bytes. */
const MOST_BYTES = constants.MAX_STRING_LENGTH;
const MEBIBYTE = 1024 * 1024;

/**
 * Throws `not-a-result` for a file that is too large to parse, `bad-message`, `newer-version`, and the file system's error. `mostBytes` is
 * smaller in tests only.
 */
export async function readReport(path: string, mostBytes: number = MOST_BYTES): Promise<Report> {
  const { size } = await stat(path);
  if (size > mostBytes) {
    const [found, most] = [size, mostBytes].map((bytes) => `${Math.ceil(bytes / MEBIBYTE)} MiB`);
    throw new ShardlineError('not-a-result', { path, problem: `it has ${found}, and a report of more than ${most} cannot be read` });
  }
  return decodeReport(await readFile(path, 'utf8'), path);
}
