// Answers whether a path that others name lies in a workspace.

import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';

/** Follows links. A path that does not exist is for its reader to refuse. */
export async function isInside(workspace: string, path: string): Promise<boolean> {
  const root = await realpath(workspace);
  const real = await realpath(resolve(workspace, path)).catch(() => resolve(root, path));
  return real === root || real.startsWith(`${root}${sep}`);
}
