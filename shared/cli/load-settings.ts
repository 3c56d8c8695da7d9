// From three sources to one checked value per setting: pyproject.toml, then the environment, then the command line; the later wins.
// Every mistake in any of them is told, not only the first.

import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { parseBytes } from '../bytes.ts';
import { parseDuration } from '../duration.ts';
import { messageOf, ShardlineError } from '../errors.ts';
import { redisProtocols } from '../redis-url.ts';
import { engines } from '../run-spec.ts';
import { logLevels, type Settings } from '../settings.ts';
import type { Arguments } from './arguments.ts';
import { didYouMean } from './nearest.ts';
import { type OptionRow, optionTable } from './options.ts';

/** Names of the repository's own tests and scripts, not settings. */
const otherNames = /^SHARDLINE_(TEST_|NEED_DOCKER$|BASE_IMAGE$|REDIS_IMAGE$|ENGINE_DIR$)/;

type Value = string | number | boolean;

interface Source {
  readonly texts: ReadonlyMap<string, string>;
  readonly say: (option: OptionRow, text: string) => string;
  readonly error: 'bad-option' | 'bad-config';
  /** What relative paths are relative to. */
  readonly base: string;
}

/** Throws a ShardlineError, or an AggregateError of several. */
export async function loadSettings(given: Arguments, env: Readonly<Record<string, string | undefined>>, cwd: string): Promise<Settings> {
  const mistakes: ShardlineError[] = [...given.mistakes];
  const flags: Source = {
    texts: given.flags,
    say: (option, text) => (option.kind === 'flag' ? `--${option.name}` : `--${option.name} ${text}`),
    error: 'bad-option',
    base: cwd,
  };
  const environment: Source = {
    texts: environmentTexts(env, mistakes),
    say: (option, text) => `${option.env}=${option.kind === 'url' ? '…' : text}`,
    error: 'bad-config',
    base: cwd,
  };
  const workspace = resolve(cwd, given.flags.get('workspace') ?? environment.texts.get('workspace') ?? '.');
  if (!(await isDirectory(workspace))) mistakes.push(new ShardlineError('no-workspace', { path: workspace }));
  const project: Source = {
    texts: await projectTexts(join(workspace, 'pyproject.toml'), mistakes),
    say: (option, text) => `${option.name} = ${option.kind === 'url' ? '…' : text} in pyproject.toml`,
    error: 'bad-config',
    base: workspace,
  };

  const values = new Map<string, Value>();
  for (const option of optionTable) {
    if (!option.commands.includes(given.command)) continue;
    const source = [flags, environment, project].find(({ texts }) => texts.has(option.name));
    const text = source?.texts.get(option.name) ?? option.fallback;
    if (text === null) continue;
    const value = readValue(option, text, source?.base ?? cwd);
    if (typeof value !== 'object') values.set(option.name, value);
    else if (source !== undefined) {
      mistakes.push(new ShardlineError(source.error, { problem: `${source.say(option, text)} is not ${value.expected}.`, fix: value.fix }));
    }
  }
  if (given.command === 'agent' && !values.has('redis') && mistakes.length === 0) {
    mistakes.push(
      new ShardlineError('bad-option', {
        problem: 'An agent needs to know its Redis.',
        fix: 'Give it with --redis URL or by SHARDLINE_REDIS_URL.',
      }),
    );
  }
  if (values.get('quiet') === true && values.get('verbose') === true) {
    mistakes.push(new ShardlineError('bad-option', { problem: '--quiet and --verbose exclude each other.', fix: 'Give one of them.' }));
  }
  const [only] = mistakes;
  if (only !== undefined) throw mistakes.length === 1 ? only : new AggregateError(mistakes);
  return toSettings(given, values, workspace);
}

function toSettings(given: Arguments, values: ReadonlyMap<string, Value>, workspace: string): Settings {
  const text = (name: string): string | null => (values.has(name) ? String(values.get(name)) : null);
  const number = (name: string): number | null => (values.has(name) ? Number(values.get(name)) : null);
  const flag = (name: string): boolean => values.get(name) === true;
  const oneOf = <Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Choice =>
    choices.find((choice) => choice === values.get(name)) ?? choices[0];
  const common = {
    pool: text('pool') ?? '',
    numprocesses: text('numprocesses') ?? '',
    python: text('python'),
    workspace,
    workerBytes: number('worker-memory') ?? 0,
    logLevel: oneOf('log-level', logLevels),
    logFile: text('log-file'),
  };
  if (given.command === 'agent') {
    return { command: 'agent', ...common, redis: text('redis') ?? '', name: text('name'), once: flag('once'), run: text('run') };
  }
  return {
    command: 'run',
    ...common,
    paths: given.operands,
    selected: text('selected'),
    pytestArgs: given.rest,
    agents: number('agents'),
    redis: text('redis'),
    redisBin: text('redis-bin'),
    out: text('out'),
    timings: text('timings'),
    json: text('json'),
    junitXml: text('junit-xml'),
    maxfail: flag('exitfirst') ? 1 : number('maxfail'),
    verbosity: flag('quiet') ? 'quiet' : flag('verbose') ? 'verbose' : 'normal',
    engine: oneOf('engine', engines),
    deadlineSeconds: number('deadline'),
    reserveSeconds: number('reserve'),
    serialMarker: text('serial-marker') ?? '',
    splitOverSeconds: number('split-over'),
    waitAgentsSeconds: number('wait-agents') ?? 0,
    redisWaitSeconds: number('redis-wait') ?? 0,
  };
}

interface Unfit {
  readonly expected: string;
  readonly fix: string;
}

/** The value, or what was expected instead. */
function readValue(option: OptionRow, text: string, base: string): Value | Unfit {
  switch (option.kind) {
    case 'text':
      return text;
    case 'flag':
      return text === 'true' || text === '1'
        ? true
        : text === 'false' || text === '0' || text === ''
          ? false
          : { expected: 'true or false', fix: 'Write true or false.' };
    case 'path':
      return text === ''
        ? { expected: 'a path', fix: 'Name a file or directory.' }
        : text === '-' && option.name === 'selected'
          ? text
          : resolve(base, text);
    case 'python':
      // A bare name is looked up on PATH by whoever starts it.
      return text === ''
        ? { expected: 'an interpreter', fix: 'Name a Python interpreter.' }
        : text.includes('/')
          ? resolve(base, text)
          : text;
    case 'count':
      return /^\d{1,6}$/.test(text) ? Number(text) : { expected: 'a whole number', fix: `Write a number of 0 or more.` };
    case 'numprocesses':
      return text === 'auto' || /^[1-9]\d{0,4}$/.test(text)
        ? text
        : { expected: 'auto or a number of 1 or more', fix: 'Write auto or, for example, 4.' };
    case 'duration':
      return parseDuration(text) ?? { expected: 'a duration', fix: 'Write for example 90s, 5m or 1m30s.' };
    case 'bytes':
      return parseBytes(text) ?? { expected: 'a size', fix: 'Write for example 300MB or 1GiB.' };
    case 'choice':
      return option.choices.includes(text)
        ? text
        : { expected: `one of ${option.choices.join(', ')}`, fix: `${didYouMean(text, option.choices)}Choose one of them.` };
    case 'name':
      return /^[A-Za-z0-9_.-]{1,64}$/.test(text)
        ? text
        : { expected: 'a name of letters, digits, _ . and -', fix: 'Choose another of at most 64 characters.' };
    case 'url':
      return isRedisUrl(text)
        ? text
        : { expected: 'the URL of a Redis', fix: 'Write redis://host:port, rediss://host:port or unix:///path.' };
  }
}

function isRedisUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    redisProtocols.some((protocol) => protocol === url.protocol) &&
    (url.protocol === 'unix:' ? url.pathname !== '' : url.hostname !== '')
  );
}

function environmentTexts(env: Readonly<Record<string, string | undefined>>, mistakes: ShardlineError[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const known = optionTable.flatMap(({ env: name }) => (name === null ? [] : [name]));
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('SHARDLINE_') || otherNames.test(name) || text === undefined) continue;
    const option = optionTable.find((each) => each.env === name);
    if (option !== undefined) texts.set(option.name, text);
    else
      mistakes.push(
        new ShardlineError('bad-config', {
          problem: `The environment variable ${name} is no setting of shardline.`,
          fix: `${didYouMean(name, known)}Unset it, or see docs/configuration.md.`,
        }),
      );
  }
  return texts;
}

async function projectTexts(path: string, mistakes: ShardlineError[]): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  const known = optionTable.flatMap(({ env, name }) => (env === null ? [] : [name]));
  for (const [key, value] of Object.entries(await projectTable(path, mistakes))) {
    if (!known.includes(key)) {
      mistakes.push(
        new ShardlineError('bad-config', {
          problem: `[tool.shardline] in ${path} has no key ${key}.`,
          fix: `${didYouMean(key, known)}See docs/configuration.md.`,
        }),
      );
    } else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') texts.set(key, String(value));
    else
      mistakes.push(
        new ShardlineError('bad-config', {
          problem: `${key} in ${path} is neither text, number nor true or false.`,
          fix: 'Write one value.',
        }),
      );
  }
  return texts;
}

/** `[tool.shardline]`; empty where there is no such file or table. */
async function projectTable(path: string, mistakes: ShardlineError[]): Promise<object> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    // Whether the workspace itself can be read was asked before.
    return {};
  }
  try {
    const tool: unknown = parseToml(text).tool;
    const table: unknown = typeof tool === 'object' && tool !== null && 'shardline' in tool ? tool.shardline : {};
    if (typeof table === 'object' && table !== null) return table;
    mistakes.push(
      new ShardlineError('bad-config', {
        problem: `tool.shardline in ${path} is not a table.`,
        fix: 'Write [tool.shardline] with one key a line.',
      }),
    );
  } catch (thrown) {
    mistakes.push(new ShardlineError('bad-config', { problem: `${path} is not valid TOML: ${messageOf(thrown)}`, fix: 'Mend the file.' }));
  }
  return {};
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
