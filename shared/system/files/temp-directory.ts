// Private directories for sockets and session files. TMPDIR may be relative or not exist: like Python's tempfile, shardline then takes the
// next usable place.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf, ShardlineError } from '../../errors.ts';

/** The places that Python's tempfile tries after TMPDIR. */
const FALLBACKS = ['/tmp', '/var/tmp', '/usr/tmp'] as const;

/** A Unix socket's path is limited to 108 bytes on Linux and 104 on macOS. `mkdtemp` adds six characters, and the socket its name. */
const LONGEST_PATH_BYTES = 80;

/**
 * Creates a directory that only this user can enter; the caller removes it. Its path is absolute and short enough for a Unix socket. Throws
 * `no-temp-directory` when no place is writable.
 */
export function makeTempDirectory(prefix: string): string {
  const places = [...new Set([resolve(tmpdir()), ...FALLBACKS, process.cwd()])];
  const isShort = (place: string): boolean => Buffer.byteLength(join(place, `${prefix}XXXXXX`)) <= LONGEST_PATH_BYTES;
  let first: unknown = null;
  for (const place of places.filter(isShort)) {
    try {
      return mkdtempSync(join(place, prefix));
    } catch (thrown) {
      first ??= thrown;
    }
  }
  throw new ShardlineError('no-temp-directory', { places: places.join(', '), problem: messageOf(first) }, { cause: first });
}
