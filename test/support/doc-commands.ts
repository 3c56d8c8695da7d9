// The commands that a page of documentation tells its readers to type.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** What is read of a CI configuration. */
interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly run?: string }[] }>>;
}

/** The lines of its `sh` blocks, and what jobs in its `yaml` blocks run. `page` is relative to the repository. */
export function commandsOf(page: string): readonly string[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const blocks = (language: string): string[] =>
    Array.from(text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g')), ([, block = '']) => block);
  const scripts = blocks('yaml').flatMap((block) =>
    Object.values((parse(block) as Workflow).jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? [])),
  );
  return [...blocks('sh'), ...scripts].flatMap((script) => script.trim().split('\n'));
}

/** What a shell makes of a line: words, with double quotes around those that hold spaces. */
export const words = (line: string): string[] =>
  Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? '');
