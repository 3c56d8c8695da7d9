// Recognizes pytest's own options among shardline's, and builds the command line that passes them on.

import type { CommandName } from './commands.ts';
import { optionsOf } from './options.ts';

/** Options with a value, which may be the next word. */
const WITH_VALUE = new Set([
  ...['-k', '-m', '-p', '-c', '-o', '-W', '-r', '--tb', '--capture', '--durations', '--durations-min', '--deselect', '--ignore'],
  ...[
    '--ignore-glob',
    '--import-mode',
    '--rootdir',
    '--confcutdir',
    '--basetemp',
    '--dist',
    '--color',
    '--log-cli-level',
    '--override-ini',
  ],
]);
const ALONE = new Set([
  ...['-s', '-l', '--lf', '--last-failed', '--ff', '--failed-first', '--nf', '--new-first', '--sw', '--stepwise', '--stepwise-skip'],
  ...['--co', '--collect-only', '--pdb', '--trace-config', '--no-header', '--no-summary', '--showlocals', '--strict-markers', '--strict'],
  ...['--strict-config', '--runxfail', '--cache-clear', '--cache-show', '--disable-warnings', '--fixtures', '--markers', '--pyargs'],
  ...['--setup-show', '--setup-only', '--setup-plan', '--doctest-modules', '--full-trace', '--noconftest', '--keep-duplicates'],
]);

/** The option's name in `-k`, `-kslow`, `--tb=short` or `-rs`. */
const nameIn = (word: string): string => (/^-[^-]./.test(word) ? word.slice(0, 2) : (word.split('=', 1)[0] ?? word));

export const isPytestOption = (word: string): boolean => WITH_VALUE.has(nameIn(word)) || ALONE.has(word);

/** The words after the command's name, with pytest's options moved behind `--`. `rest` are the words that follow `--` already. */
export function withPytestOptionsLast(words: readonly string[], rest: readonly string[], command: CommandName): readonly string[] {
  const own: string[] = [];
  const moved: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const isPytests = isPytestOption(word);
    const list = isPytests ? moved : own;
    list.push(word);
    const next = words[at + 1];
    const takesNext = isPytests ? WITH_VALUE.has(word) : takesValue(word, command);
    if (!takesNext || next === undefined) continue;
    list.push(next);
    at += 1;
  }
  return [...own, '--', ...moved, ...rest];
}

const takesValue = (word: string, command: CommandName): boolean =>
  optionsOf(command).some(({ name, short, kind }) => kind !== 'flag' && (word === `--${name}` || word === `-${short}`));
