// Bundles the browser code of a page from browser/ into one script and one style sheet. It runs when the package is built and, in a clone
// of the repository, whenever a page is written. The published package ships the result and never runs it.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

export const pageNames = ['report', 'dashboard', 'audit'] as const;
export type PageName = (typeof pageNames)[number];

const styles: Readonly<Record<PageName, string>> = { report: 'style.css', dashboard: 'style.css', audit: 'audit.css' };

export interface PageFiles {
  readonly script: string;
  readonly style: string;
}

const source = (name: string): string => fileURLToPath(new URL(`browser/${name}`, import.meta.url));

export async function bundlePage(name: PageName): Promise<PageFiles> {
  const bundling = build({
    input: source(`${name}.tsx`),
    platform: 'browser',
    // tsc checks the types, and no configuration from outside browser/ may change the bundle.
    tsconfig: false,
    transform: { target: 'es2022', jsx: { runtime: 'automatic', importSource: 'preact' } },
    output: { format: 'iife', minify: true },
    write: false,
    logLevel: 'silent',
  });
  const [{ output }, style] = await Promise.all([bundling, readFile(source(styles[name]), 'utf8')]);
  return { script: output[0].code, style };
}
