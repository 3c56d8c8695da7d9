// A digest of all Python and configuration files below a workspace that git does not know. Limited in number, size and time.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRelevant } from './git-print.ts';

/** A larger tree is not compared, because reading it would delay the run. */
const LIMITS = { files: 20_000, bytes: 256 * 1024 * 1024, ms: 10_000 } as const;
/** The number of files read at once. */
const AT_ONCE = 32;

/**
 * Directories that pytest does not search either, and those that tools generate. Directories whose name begins with a dot are skipped too.
 */
const skippedNames = new Set(['__pycache__', 'node_modules', 'build', 'dist', 'venv', 'CVS', '_darcs', '{arch}']);
const isSkipped = (name: string): boolean =>
  name.startsWith('.') || name.endsWith('.egg') || name.endsWith('.egg-info') || skippedNames.has(name);

/** null when the tree is too large or unreadable. The digest does not depend on the workspace's path. */
export async function contentsPrint(
  workspace: string,
  limits: { readonly files: number; readonly bytes: number; readonly ms: number } = LIMITS,
): Promise<string | null> {
  const until = performance.now() + limits.ms;
  const paths: string[] = [];
  const walk = async (directory: string): Promise<boolean> => {
    const entries = await readdir(join(workspace, directory), { withFileTypes: true });
    // A virtual environment is not part of the sources; its packages are compared by version.
    if (directory !== '' && entries.some(({ name }) => name === 'pyvenv.cfg' || name === 'conda-meta')) return true;
    for (const entry of entries) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (entry.isDirectory() && !isSkipped(entry.name) && !(await walk(path))) return false;
      if (entry.isFile() && isRelevant(path)) paths.push(path);
      if (paths.length > limits.files || performance.now() > until) return false;
    }
    return true;
  };
  try {
    if (!(await walk(''))) return null;
    paths.sort();
    const hash = createHash('sha256');
    let bytes = 0;
    for (let from = 0; from < paths.length; from += AT_ONCE) {
      const some = paths.slice(from, from + AT_ONCE);
      const contents = await Promise.all(some.map((path) => readFile(join(workspace, path))));
      for (const [index, content] of contents.entries()) {
        bytes += content.length;
        hash.update(`${some[index]}\0${content.length}\0`);
        hash.update(content);
      }
      if (bytes > limits.bytes || performance.now() > until) return null;
    }
    return hash.digest('hex').slice(0, 12);
  } catch {
    return null;
  }
}
