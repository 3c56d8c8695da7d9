// Answers whether a path that others name lies in a directory.

import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

/** Follows links, also those above a path that does not exist. A relative path is below `directory`. */
export async function isInside(directory: string, path: string): Promise<boolean> {
  const root = await realpath(directory);
  const real = await realPlace(resolve(directory, path));
  return real !== null && (real === root || real.startsWith(root.endsWith(sep) ? root : `${root}${sep}`));
}

/** Where a file of this name is, or would be written. null if that cannot be said, as for a link that leads nowhere. */
async function realPlace(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch {
    const isThere = await lstat(path).then(
      () => true,
      () => false,
    );
    if (isThere || dirname(path) === path) return null;
    const above = await realPlace(dirname(path));
    return above === null ? null : join(above, basename(path));
  }
}
