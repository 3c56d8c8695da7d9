// The browser's side of a page: as the package was built with it, else, in a clone of the repository, bundled from its sources now.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { PageFiles, PageName } from './bundle.ts';

/** Where the package's build and the Docker image put what `bundlePage` makes; the repository has no such folder. */
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
