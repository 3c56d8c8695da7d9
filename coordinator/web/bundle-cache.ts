// Loads the browser code of a page: the files from the package's build or, in a clone of the repository, a bundle made from the sources
// now.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { PageFiles, PageName } from './bundle.ts';

/** The package's build and the Docker image write the output of `bundlePage` here. The repository has no such folder. */
const built = (file: string): string => fileURLToPath(new URL(`built/${file}`, import.meta.url));

export async function pageFiles(name: PageName): Promise<PageFiles> {
  try {
    const [script, style] = await Promise.all([readFile(built(`${name}.js`), 'utf8'), readFile(built(`${name}.css`), 'utf8')]);
    return { script, style };
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT')) throw thrown;
    const { bundlePage } = await import('./bundle.ts');
    return bundlePage(name);
  }
}
