// Parses the command line into raw texts by option name. load-settings.ts validates and interprets them.

import { Command, CommanderError, Option } from 'commander';
import { ShardlineError } from '../shared/errors.ts';
import { safeArguments } from '../shared/settings/redis-url.ts';
import type { Output } from '../shared/system/edge.ts';
import { shellCommand } from '../shared/text/shell-quote.ts';
import { type CommandName, commandNames, commandRow } from './commands.ts';
import { didYouMean } from './nearest.ts';
import { defaultOf, flagsOf, isRepeatable, optionsOf, REQUIRED } from './options.ts';
import { takeCoverageWords } from './pytest-cov-options.ts';
import { isPytestOption, withPytestOptionsLast } from './pytest-options.ts';

export interface Arguments {
  readonly command: CommandName;
  readonly operands: readonly string[];
  /** Everything after the first `--`, and the pytest-cov options of a `run` at any position. */
  readonly rest: readonly string[];
  readonly flags: ReadonlyMap<string, string>;
  readonly mistakes: readonly ShardlineError[];
}

/** Returns null after it has printed help or the version. Throws `bad-option` when it finds no command. */
export function readArguments(argv: readonly string[], version: string, stdout: Output): Arguments | null {
  const end = argv.indexOf('--');
  const before = end === -1 ? argv : argv.slice(0, end);
  const { own, coverage } = ['run', 'ci'].includes(before[0] ?? '') ? takeCoverageWords(before) : { own: before, coverage: [] };
  const rest = [...coverage, ...(end === -1 ? [] : argv.slice(end + 1))];
  let found: Arguments | null = null;

  const program = new Command('shardline')
    .description('Run one pytest suite on many cores and many machines, and get one verdict.')
    .version(version, '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Print this help')
    .helpCommand('help [command]', 'Print the help of a command')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: () => undefined });
  for (const name of commandNames) {
    const { summary, operands: taken, instead, takesPytestArgs } = commandRow(name);
    const command = program.command(name).description(summary);
    command.optionsGroup('Output:').helpOption('-h, --help', 'Print this help');
    // A missing operand is reported with the other mistakes of the command line.
    if (taken !== null) command.argument(taken.synopsis.replace(/^<(.*)>$/, '[$1]'), taken.meaning);
    command.usage(['[options]', taken?.synopsis ?? '', takesPytestArgs ? '[-- pytest arguments]' : ''].filter(Boolean).join(' '));
    const options = optionsOf(name).map((option) => ({ option, flag: toFlag(option, name) }));
    for (const { flag } of options) command.addOption(flag);
    // Collects unknown options instead of stopping at the first, so that a user can fix all mistakes at once.
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
      const last = withPytestOptionsLast(own.slice(own.indexOf(name) + 1), rest, name);
      const corrected = shellCommand(['shardline', name, ...safeArguments(last)]);
      const mistakes = unknown.map((word) => unknownOption(word, name, takesPytestArgs ? corrected : null));
      const stray = [...(taken === null ? operands : []), ...(takesPytestArgs ? [] : rest)];
      if (stray.length > 0) {
        const problem = `\`shardline ${name}\` takes no ${taken === null ? '' : 'pytest '}arguments, but got: ${safeArguments(stray).join(' ')}`;
        const fix = taken === null ? instead : `Remove them. \`shardline ${name} --help\` lists its options.`;
        mistakes.push(new ShardlineError('bad-option', { problem, fix }));
      }
      found = { command: name, operands, rest, flags, mistakes };
    });
  }
  if (own.length === 0) {
    program.outputHelp();
    throw new ShardlineError('bad-option', {
      problem: 'No command was given.',
      fix: 'Run `shardline run` to run the tests of this directory.',
    });
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

const EXAMPLES = `
Examples:
  shardline run                          Run all tests on this machine
  shardline run tests --deadline 5m      Run tests/, for at most 5 minutes
  shardline run -- -k "not slow"         Pass options to pytest after --
  shardline run --help                   List the options of a command`;

function toFlag(option: ReturnType<typeof optionsOf>[number], command: CommandName): Option {
  const otherwise = defaultOf(option, command);
  const choices = option.choices.length > 0 && option.metavar !== '' ? `: ${option.choices.join(', ')}` : '';
  const shown = otherwise === null ? '' : otherwise === REQUIRED ? ` [${REQUIRED}]` : ` [default: ${otherwise}]`;
  const flag = new Option(flagsOf(option), `${option.meaning}${choices}${shown}`).helpGroup(`${option.group}:`);
  if (isRepeatable(option))
    flag.argParser<string>((value, before: string | undefined) => (before === undefined ? value : `${before} ${value}`));
  return option.isHidden ? flag.hideHelp() : flag;
}

/** `corrected` is the same command line with pytest's options after `--`; null for a command without pytest arguments. */
function unknownOption(word: string, command: CommandName, corrected: string | null): ShardlineError {
  const flag = word.split('=', 1)[0] ?? word;
  const options = optionsOf(command).filter((option) => !option.isHidden);
  if (word !== flag && options.some(({ name, kind }) => kind === 'flag' && flag === `--${name}`)) {
    return new ShardlineError('bad-option', { problem: `${flag} takes no value, but got: ${word}`, fix: `Write ${flag} alone.` });
  }
  if (corrected !== null && isPytestOption(word)) {
    return new ShardlineError('bad-option', {
      problem: `${flag} is an option of pytest. Options of pytest go after --.`,
      fix: `Run \`${corrected}\`.`,
    });
  }
  const known = options.map(({ name }) => `--${name}`);
  const others = corrected === null ? '' : ' Options of pytest and its plugins go after --.';
  return new ShardlineError('bad-option', {
    problem: `There is no option ${flag}.`,
    fix: `${didYouMean(flag, known)}\`shardline ${command} --help\` lists the options.${others}`,
  });
}

function commandMistake(thrown: CommanderError, own: readonly string[]): ShardlineError {
  const word = own.find((each) => !each.startsWith('-')) ?? '';
  if (thrown.code === 'commander.unknownCommand' || thrown.code === 'commander.help') {
    return new ShardlineError('bad-option', {
      problem: word === '' ? 'No command was given.' : `There is no command ${word}.`,
      fix: `${didYouMean(word, commandNames)}\`shardline --help\` lists the commands.`,
    });
  }
  const [, flag, value] = /option '(?:-\w, )?(--[\w-]+) <(.*)>' argument missing/.exec(thrown.message) ?? [];
  return new ShardlineError('bad-option', {
    problem: flag === undefined ? `${thrown.message.replace(/^error: /, '')}.` : `${flag} needs a value: ${flag} ${value}`,
    fix: `\`shardline ${commandNames.find((name) => name === word) ?? ''} --help\` lists the options.`.replace('  ', ' '),
  });
}
