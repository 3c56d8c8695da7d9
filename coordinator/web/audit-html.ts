// Writes `audit.html`: one file with the audit's blocks, and the script and style that draw them.

import { harmless } from '../../shared/text/safe-text.ts';
import type { Block } from './audit-data.ts';
import { pageFiles } from './bundle-cache.ts';
import { composePage } from './page-shell.ts';

const OTHERWISE = 'This page needs JavaScript. audit.md has the same results.';

export async function auditHtml(title: string, blocks: readonly Block[]): Promise<string> {
  const data = JSON.stringify(blocks, (_key, value: unknown) => (typeof value === 'string' ? harmless(value) : value));
  return composePage({ title: harmless(title), data, otherwise: OTHERWISE }, await pageFiles('audit'));
}
