// The commands in a page of the documentation.

import { readFileSync } from 'node:fs';

/** The lines of its `sh` blocks, and the commands of jobs in its `yaml` blocks. `page` is relative to the repository. */
export function commandsOf(page: string): readonly string[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const blocks = (language: string): string[] =>
    Array.from(text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g')), ([, block = '']) =>
      block.trim().split('\n'),
    ).flat();
  return [...blocks('sh'), ...blocks('yaml').flatMap((line) => /^\s*(?:- )?run: (.*)$/.exec(line)?.[1] ?? [])];
}

/** Splits a line into words like a shell, with double quotes around words that contain spaces. */
export const words = (line: string): string[] =>
  Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? '');
