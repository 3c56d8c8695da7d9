// Reads the user's list of tests from a file or standard input.

import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { reasonOf, ShardlineError } from '../errors.ts';

/** One entry per line. Skips blank lines and lines that begin with #. */
export const parseSelected = (content: string): string[] =>
  content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

/** Reads the list at `path`, or standard input for `-`. Throws `bad-selected-file`, also for an empty list: it must not mean all tests. */
export async function readSelected(path: string, stdin: NodeJS.ReadableStream): Promise<string[]> {
  let content: string;
  try {
    content = path === '-' ? await text(stdin) : await readFile(path, 'utf8');
  } catch (thrown) {
    throw new ShardlineError('bad-selected-file', { path, problem: reasonOf(thrown) }, { cause: thrown });
  }
  const entries = parseSelected(content);
  const option = entries.find((entry) => entry.startsWith('-'));
  if (option !== undefined)
    throw new ShardlineError('bad-selected-file', { path, problem: `${option} is an option, not a test file or node id` });
  if (entries.length === 0) throw new ShardlineError('bad-selected-file', { path, problem: 'it names no tests' });
  return entries;
}
