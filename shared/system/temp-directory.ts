// Private directories for sockets and session files. TMPDIR may be missing or relative: as Python's tempfile does, the next usable place is taken.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf, ShardlineError } from '../errors.ts';

/** Where Python's tempfile looks after the environment's TMPDIR. */
const FALLBACKS = ['/tmp', '/var/tmp', '/usr/tmp'] as const;

/** A Unix socket in the directory must have a short path: 108 bytes on Linux, 104 on macOS. `mkdtemp` adds six characters, the socket its name. */
const LONGEST_PATH_BYTES = 80;

/**
 * Makes a new directory that only this user can enter; whoever makes it removes it. Its path is absolute and short enough for a Unix socket.
 * Throws `no-temp-directory` where no place can be written.
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
