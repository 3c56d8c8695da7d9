// Makes the browser's side of report.html out of page/: one script and one style sheet. Run when the package is built, and from a clone of the
// repository whenever a page is written; the published package holds what it made and never runs it.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

export const pageNames = ['report', 'dashboard'] as const;
export type PageName = (typeof pageNames)[number];

export interface PageFiles {
  readonly script: string;
  readonly style: string;
}

const source = (name: string): string => fileURLToPath(new URL(`browser/${name}`, import.meta.url));

export async function bundlePage(name: PageName): Promise<PageFiles> {
  const bundling = build({
    input: source(`${name}.tsx`),
    platform: 'browser',
    // Type checking is tsc's; what is built depends on nothing beside page/.
    tsconfig: false,
    transform: { target: 'es2022', jsx: { runtime: 'automatic', importSource: 'preact' } },
    output: { format: 'iife', minify: true },
    write: false,
    logLevel: 'silent',
  });
  const [{ output }, style] = await Promise.all([bundling, readFile(source('style.css'), 'utf8')]);
  return { script: output[0].code, style };
}
