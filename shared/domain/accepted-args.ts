// Which arguments of a foreign run are passed to pytest. Anyone who can write to Redis can ask for a run, and many options of pytest run code
// (`-p`, `-o`, `--rootdir`), write files (`--log-file`) or delete them (`--basetemp`).

export interface AcceptedArgs {
  /** `safe`: selection, and the form of the output. `any`: everything. */
  readonly mode: 'safe' | 'any';
  /** Arguments that the user of this machine gave, if a run started the agent. They are accepted as they are. */
  readonly own: readonly string[];
}

const FLAGS: ReadonlySet<string> = new Set([
  ...['--exitfirst', '--quiet', '--verbose', '--showlocals', '--runxfail', '--strict', '--strict-markers', '--strict-config'],
  ...['--lf', '--last-failed', '--ff', '--failed-first', '--nf', '--new-first', '--sw', '--stepwise', '--sw-skip', '--stepwise-skip'],
  ...['--no-header', '--no-summary', '--disable-warnings', '--disable-pytest-warnings', '--full-trace', '--doctest-modules'],
]);
/** Options with a value, as the next argument or after `=`. */
const VALUED: ReadonlySet<string> = new Set([
  ...['-k', '-m', '-r', '-W', '--maxfail', '--tb', '--durations', '--durations-min', '--pythonwarnings', '--capture', '--color'],
  ...['--show-capture', '--verbosity', '--deselect', '--ignore', '--ignore-glob'],
]);
/** `-x`, `-qq`, `-xvs`. */
const SHORT_FLAGS = /^-[xqvsl]+$/;
/** `-kexpression`, `-rA`, `-Werror`. */
const SHORT_VALUED = /^-[kmrW]./;

/** Whether the user gave this option with this next argument, which is then its value. */
const isPairOf = (own: readonly string[], option: string, next: string | undefined): boolean =>
  next !== undefined && own.some((each, at) => each === option && own[at + 1] === next);

/** Whether a value followed this option wherever the user gave it: then another value is not the user's. */
const takesNext = (own: readonly string[], option: string): boolean =>
  option.startsWith('-') && !option.includes('=') && own.every((each, at) => each !== option || !(own[at + 1] ?? '-').startsWith('-'));

export interface Judged {
  /** Arguments that are not accepted. */
  readonly refused: readonly string[];
  /** Paths, which must lead into the workspace. */
  readonly paths: readonly string[];
}

export function judgeArgs(args: readonly string[], { mode, own }: AcceptedArgs): Judged {
  if (mode === 'any') return { refused: [], paths: [] };
  const given = new Set(own);
  const refused: string[] = [];
  const paths: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] ?? '';
    const [name = ''] = argument.split('=', 1);
    if (argument.startsWith('-') && isPairOf(own, argument, args[at + 1])) at += 1;
    else if (given.has(argument) && !takesNext(own, argument)) continue;
    // pytest replaces the argument by the lines of a file, also where it expects the value of an option.
    else if (argument.startsWith('@')) refused.push(argument);
    else if (VALUED.has(argument)) at += args[at + 1]?.startsWith('@') ? 0 : 1;
    else if (FLAGS.has(argument) || SHORT_FLAGS.test(argument) || SHORT_VALUED.test(argument)) continue;
    else if (name !== argument && name.startsWith('--') && VALUED.has(name)) continue;
    else if (argument.startsWith('-')) refused.push(argument);
    else paths.push(argument.split('::', 1)[0] ?? '');
  }
  return { refused, paths };
}

/** The arguments that are not accepted, and the paths that lead out of the workspace. */
export async function foreignArgs(
  pytestArgs: readonly string[],
  accepts: AcceptedArgs,
  isInside: (path: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const { refused, paths } = judgeArgs(pytestArgs, accepts);
  const outside = await Promise.all(paths.map(async (path) => ((await isInside(path)) ? [] : [path])));
  return [...refused, ...outside.flat()];
}
