// Turns a line that runs pytest into one that runs shardline.

/** A line of a CI script that runs pytest. */
export interface PytestLine {
  /** What stands before pytest, such as `uv run`. */
  readonly prefix: readonly string[];
  readonly paths: readonly string[];
  /** Options that shardline has too. */
  readonly options: readonly string[];
  /** What is left for pytest. */
  readonly pytestArgs: readonly string[];
  /** Options that divided the suite, with their values: shardline divides it itself. */
  readonly dropped: readonly string[];
}

/** Runners that start pytest in the environment of a project. Others, such as tox, have commands of their own. */
const RUNNERS: readonly (readonly string[])[] = [
  ['uv', 'run'],
  ['poetry', 'run'],
  ['pdm', 'run'],
  ['hatch', 'run'],
  ['pipenv', 'run'],
];

/** Options of pytest that name a part of the suite, from plugins that do what shardline does; with their values. */
const OF_SPLITTERS = /^--(splits|group|shard-id|num-shards|test-group(-count|-random-seed)?|splitting-algorithm|durations-path)$/;

/** Options of pytest that take a value in the next word. */
const WITH_VALUE =
  /^(-[kmopcWr]|--(maxfail|durations|tb|rootdir|ignore|deselect|cov-report|cov-config|timeout|dist|log-level|basetemp|override-ini))$/;

/** null if the line does not run pytest by itself. */
export function readPytestLine(line: string): PytestLine | null {
  const words = wordsOf(line);
  const prefix = RUNNERS.find((runner) => runner.every((word, index) => words[index] === word)) ?? [];
  const rest = words.slice(prefix.length);
  const isModule = /^python[\d.]*$/.test(rest[0] ?? '') && rest[1] === '-m' && rest[2] === 'pytest';
  if (!isModule && rest[0] !== 'pytest' && rest[0] !== 'py.test') return null;
  return { prefix, ...divided(rest.slice(isModule ? 3 : 1)) };
}

/** The same line with shardline; `own` are further options. */
export function shardlineLine({ prefix, paths, options, pytestArgs }: PytestLine, command: string, own: readonly string[]): string {
  const rest = pytestArgs.length === 0 ? [] : ['--', ...pytestArgs];
  // uv adds shardline to the environment that it runs the command in.
  const runner = prefix[0] === 'uv' ? [...prefix, '--with', "'shardline[all]'"] : prefix;
  return [...runner, 'shardline', command, ...paths, ...options, ...own, ...rest].join(' ');
}

function divided(args: readonly string[]): Omit<PytestLine, 'prefix'> {
  const paths: string[] = [];
  const options: string[] = [];
  const pytestArgs: string[] = [];
  const dropped: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    const [name = '', value = null] = word.startsWith('--') ? split(word) : [word];
    const next = (): string => {
      at += 1;
      return args[at] ?? '';
    };
    if (/^-n./.test(word) && !word.startsWith('--')) options.push('-n', word.slice(2));
    else if (name === '-n' || name === '--numprocesses') options.push('-n', value ?? next());
    else if (name === '--junitxml' || name === '--junit-xml') options.push('--junit-xml', value ?? next());
    else if (name === '-x' || name === '--exitfirst') options.push('-x');
    else if (name === '--store-durations') dropped.push(name);
    else if (OF_SPLITTERS.test(name)) dropped.push(`${name} ${value ?? next()}`);
    else if (!word.startsWith('-')) paths.push(word);
    else pytestArgs.push(word, ...(WITH_VALUE.test(word) ? [next()] : []));
  }
  return { paths, options, pytestArgs, dropped };
}

function split(word: string): readonly [string, string?] {
  const at = word.indexOf('=');
  return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}

/** The words of a shell line, with their quotes. An expression of GitHub Actions is one word. The line ends at an operator. */
function wordsOf(line: string): readonly string[] {
  const [command = ''] = line.trim().split(/\s(?:&&|\|\|?|;|>|2>)\s?/);
  return command.match(/(?:\$\{\{.*?\}\}|"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
}
