// Bundles the browser code of shardline's pages into a folder, for the package's build and the Docker image.
// Usage: node scripts/pages.ts FOLDER

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundlePage, pageNames } from '../coordinator/web/bundle.ts';

export async function writePages(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of pageNames) {
    const { script, style } = await bundlePage(name);
    await writeFile(join(folder, `${name}.js`), script);
    await writeFile(join(folder, `${name}.css`), style);
  }
}

const [folder] = process.argv.slice(2);
if (import.meta.main && folder !== undefined) await writePages(folder);
