// The commands that a page of documentation tells its readers to type.

import { readFileSync } from 'node:fs';

/** The lines of its `sh` blocks, and what jobs in its `yaml` blocks run. `page` is relative to the repository. */
export function commandsOf(page: string): readonly string[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const blocks = (language: string): string[] =>
    Array.from(text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g')), ([, block = '']) =>
      block.trim().split('\n'),
    ).flat();
  return [...blocks('sh'), ...blocks('yaml').flatMap((line) => /^\s*(?:- )?run: (.*)$/.exec(line)?.[1] ?? [])];
}

/** What a shell makes of a line: words, with double quotes around those that hold spaces. */
export const words = (line: string): string[] =>
  Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? '');
