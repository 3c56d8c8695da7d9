// Reads the command line into raw texts by option name. What they mean, and whether they may be, is load-settings.ts's.

import { Command, CommanderError, Option } from 'commander';
import { ShardlineError } from '../shared/errors.ts';
import type { Output } from '../shared/system/edge.ts';
import { type CommandName, commandNames, commandRow } from './commands.ts';
import { didYouMean } from './nearest.ts';
import { flagsOf, optionsOf } from './options.ts';
import { takeCoverageWords } from './pytest-cov-options.ts';

export interface Arguments {
  readonly command: CommandName;
  readonly operands: readonly string[];
  /** Everything after the first `--`, and of a run pytest-cov's options, wherever they stand. */
  readonly rest: readonly string[];
  readonly flags: ReadonlyMap<string, string>;
  readonly mistakes: readonly ShardlineError[];
}

/** null when all was said already: help or version was printed. Throws `bad-option` when no command can be made out. */
export function readArguments(argv: readonly string[], version: string, stdout: Output): Arguments | null {
  const end = argv.indexOf('--');
  const before = end === -1 ? argv : argv.slice(0, end);
  const { own, coverage } = before[0] === 'run' ? takeCoverageWords(before) : { own: before, coverage: [] };
  const rest = [...coverage, ...(end === -1 ? [] : argv.slice(end + 1))];
  let found: Arguments | null = null;

  const program = new Command('shardline')
    .description('Runs one pytest suite on many cores and many machines, and gives one verdict.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: () => undefined });
  for (const name of commandNames) {
    const { summary, operands: taken, instead, takesPytestArgs } = commandRow(name);
    const command = program.command(name).description(summary).helpOption('-h, --help', 'print this help');
    if (taken !== null) command.argument(taken.synopsis, taken.meaning);
    command.usage(['[options]', taken?.synopsis ?? '', takesPytestArgs ? '[-- pytest arguments]' : ''].filter(Boolean).join(' '));
    const options = optionsOf(name).map((option) => ({ option, flag: toFlag(option) }));
    for (const { flag } of options) command.addOption(flag);
    // Collected rather than refused one by one: a user mends all mistakes at once.
    command.allowUnknownOption().allowExcessArguments();
    command.action(() => {
      const values: Record<string, unknown> = command.opts();
      const flags = new Map(
        options.flatMap(({ option, flag }) => {
          const value = values[flag.attributeName()];
          return value === undefined ? [] : [[option.name, String(value)] as const];
        }),
      );
      const unknown = command.args.filter((word) => word.startsWith('-') && word !== '-');
      const operands = unknown.length > 0 ? [] : command.args;
      const mistakes = unknown.map((word) => unknownOption(word, name));
      const stray = [...(taken === null ? operands : []), ...(takesPytestArgs ? [] : rest)];
      if (stray.length > 0) {
        const problem = `shardline ${name} takes no ${taken === null ? '' : 'pytest '}arguments, but got: ${stray.join(' ')}`;
        mistakes.push(new ShardlineError('bad-option', { problem, fix: taken === null ? instead : `See \`shardline ${name} --help\`.` }));
      }
      found = { command: name, operands, rest, flags, mistakes };
    });
  }
  if (own.length === 0) {
    program.outputHelp();
    throw new ShardlineError('bad-option', { problem: 'No command was given.', fix: 'Begin with `shardline run`.' });
  }
  try {
    program.parse([...own], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return null;
    throw commandMistake(thrown, own);
  }
  return found;
}

function toFlag(option: ReturnType<typeof optionsOf>[number]): Option {
  const otherwise = option.fallback ?? option.decided;
  const choices = option.choices.length > 0 ? ` (${option.choices.join(', ')})` : '';
  const flag = new Option(flagsOf(option), `${option.meaning}${choices}${otherwise === null ? '' : ` [${otherwise}]`}`);
  return option.isHidden ? flag.hideHelp() : flag;
}

function unknownOption(word: string, command: CommandName): ShardlineError {
  const flag = word.split('=', 1)[0] ?? word;
  const known = optionsOf(command)
    .filter((option) => !option.isHidden)
    .map((option) => `--${option.name}`);
  return new ShardlineError('bad-option', {
    problem: `There is no option ${flag}.`,
    fix: `${didYouMean(flag, known)}See \`shardline ${command} --help\`; pytest's own options go after --.`,
  });
}

function commandMistake(thrown: CommanderError, own: readonly string[]): ShardlineError {
  if (thrown.code === 'commander.unknownCommand' || thrown.code === 'commander.help') {
    const word = own.find((each) => !each.startsWith('-')) ?? '';
    return new ShardlineError('bad-option', {
      problem: word === '' ? 'No command was given.' : `There is no command ${word}.`,
      fix: `${didYouMean(word, commandNames)}See \`shardline --help\`.`,
    });
  }
  return new ShardlineError('bad-option', { problem: `${thrown.message.replace(/^error: /, '')}.`, fix: 'See `shardline --help`.' });
}
