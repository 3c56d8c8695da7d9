// The commands in a page of the documentation.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** What is read of a CI configuration. */
interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly run?: string }[] }>>;
}

/** The lines of its `sh` blocks, and the commands of jobs in its `yaml` blocks. `page` is relative to the repository. */
export function commandsOf(page: string): readonly string[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const blocks = (language: string): string[] =>
    Array.from(text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g')), ([, block = '']) => block);
  const scripts = blocks('yaml').flatMap((block) =>
    Object.values((parse(block) as Partial<Workflow>).jobs ?? {}).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? [])),
  );
  return [...blocks('sh'), ...scripts].flatMap((script) => script.trim().split('\n'));
}

/** Splits a line into words like a shell, with double quotes around words that contain spaces. */
export const words = (line: string): string[] =>
  Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? '');
