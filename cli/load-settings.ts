// Merges three sources into one checked value per setting: pyproject.toml, then the environment, then the command line. A later source
// wins.
// It reports every mistake in every source, not only the first.

import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { messageOf, ShardlineError } from '../shared/errors.ts';
import type { Settings } from '../shared/settings/settings.ts';
import { isDirectory } from '../shared/system/files/is-directory.ts';
import { findPython, type PipEnvironment } from '../shared/system/python.ts';
import type { Arguments } from './arguments.ts';
import { commandRow } from './commands.ts';
import { didYouMean } from './nearest.ts';
import { isRepeatable, type OptionRow, optionTable } from './options.ts';
import { readValue, type Value } from './read-value.ts';
import { missingOrAtOdds, toSettings } from './to-settings.ts';

/** Variables that are not settings: those of the repository's own tests and scripts, and the number that the tests of an outer run see. */
const otherNames = /^SHARDLINE_(TEST_|WORKER$|NEED_DOCKER$|NEED_BROWSER$|BASE_IMAGE$|REDIS_IMAGE$|ENGINE_DIR$)/;

interface Source {
  readonly texts: ReadonlyMap<string, string>;
  readonly say: (option: OptionRow, text: string) => string;
  readonly error: 'bad-option' | 'bad-config';
  /** The directory that relative paths start from. */
  readonly base: string;
}

/** Where a command line is read. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly pip: PipEnvironment | null;
}

/** Throws a ShardlineError, or an AggregateError with several. */
export async function loadSettings(given: Arguments, { env, cwd, pip }: Surroundings): Promise<Settings> {
  const mistakes: ShardlineError[] = [...given.mistakes];
  const flags: Source = {
    texts: given.flags,
    say: (option, text) => (option.kind === 'flag' ? `--${option.name}` : `--${option.name} ${shown(option, text)}`),
    error: 'bad-option',
    base: cwd,
  };
  const { isConfigurable } = commandRow(given.command);
  const environment: Source = {
    texts: isConfigurable ? environmentTexts(env, mistakes) : new Map(),
    say: (option, text) => `${option.env}=${shown(option, text)}`,
    error: 'bad-config',
    base: cwd,
  };
  const workspace = resolve(cwd, given.flags.get('workspace') ?? environment.texts.get('workspace') ?? '.');
  if (!(await isDirectory(workspace))) mistakes.push(new ShardlineError('no-workspace', { path: workspace }));
  const project: Source = {
    texts: isConfigurable ? await projectTexts(join(workspace, 'pyproject.toml'), mistakes) : new Map(),
    say: (option, text) => `${option.name} = ${shown(option, text)} in pyproject.toml`,
    error: 'bad-config',
    base: workspace,
  };

  const isOnGithub = env.GITHUB_ACTIONS === 'true';
  const values = new Map<string, Value>();
  for (const option of optionTable) {
    if (!option.commands.includes(given.command)) continue;
    const source = [flags, environment, project].find(({ texts }) => texts.has(option.name));
    const text = source?.texts.get(option.name) ?? option.fallback;
    if (text === null) continue;
    const value = readValue(option, text, source?.base ?? cwd);
    if (typeof value !== 'object') values.set(option.name, value);
    else if (source !== undefined) {
      mistakes.push(
        new ShardlineError(source.error, {
          problem: `${source.say(option, text)} is invalid: expected ${value.expected}.`,
          fix: value.fix,
        }),
      );
    }
  }
  if (!values.has('python')) values.set('python', await findPython({ env, workspace, pip }));
  const read = { given, values, workspace, pip, isOnGithub, isRedisUrlEmpty: isEmpty(env.SHARDLINE_REDIS_URL) };
  if (mistakes.length === 0) mistakes.push(...missingOrAtOdds(read));
  const [only] = mistakes;
  if (only !== undefined) throw mistakes.length === 1 ? only : new AggregateError(mistakes);
  return toSettings(read);
}

const shown = ({ isSecret }: OptionRow, text: string): string => (isSecret ? '…' : text);

/** An empty variable counts as unset, because a CI job without access to a secret sets it empty. */
const isEmpty = (text: string | undefined): boolean => text?.trim() === '';

function environmentTexts(env: Readonly<Record<string, string | undefined>>, mistakes: ShardlineError[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const known = optionTable.flatMap(({ env: name }) => (name === null ? [] : [name]));
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('SHARDLINE_') || otherNames.test(name) || text === undefined) continue;
    const option = optionTable.find((each) => each.env === name);
    if (option !== undefined) {
      if (!isEmpty(text)) texts.set(option.name, text);
    } else
      mistakes.push(
        new ShardlineError('bad-config', {
          problem: `The environment variable ${name} is not a shardline setting.`,
          fix: `${didYouMean(name, known)}Run \`unset ${name}\`. The variable of an option is SHARDLINE_ and its name: SHARDLINE_JUNIT_XML for --junit-xml.`,
        }),
      );
  }
  return texts;
}

/** What joins the strings of a list that pyproject.toml may give for an option; null if it may give none. */
function joinedBy(key: string, value: unknown): string | null {
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) return null;
  const option = optionTable.find(({ name }) => name === key);
  if (option === undefined) return null;
  return option.kind === 'sets' ? ';' : isRepeatable(option) ? ' ' : null;
}

/** [tool.shardline.resources] is a table of its own. */
const isResources = (key: string, value: unknown): value is object => key === 'resources' && typeof value === 'object' && value !== null;

async function projectTexts(path: string, mistakes: ShardlineError[]): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  const known = optionTable.flatMap(({ env, name }) => (env === null ? [] : [name]));
  for (const [key, value] of Object.entries(await projectTable(path, mistakes))) {
    if (!known.includes(key)) {
      mistakes.push(
        new ShardlineError('bad-config', {
          problem: `[tool.shardline] in ${path} has no key ${key}.`,
          fix: `${didYouMean(key, known)}Remove the key ${key}. \`shardline run --help\` lists the options; their names are the keys.`,
        }),
      );
    } else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') texts.set(key, String(value));
    else if (isResources(key, value)) texts.set(key, JSON.stringify(value));
    else if (Array.isArray(value) && joinedBy(key, value) !== null) texts.set(key, value.join(joinedBy(key, value) ?? ''));
    else
      mistakes.push(
        new ShardlineError('bad-config', {
          problem: `${key} in ${path} is not a string, a number or a boolean.`,
          fix: `Write one value: ${key} = "…".`,
        }),
      );
  }
  return texts;
}

/** The table `[tool.shardline]`; empty when the file or the table does not exist. */
async function projectTable(path: string, mistakes: ShardlineError[]): Promise<object> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    // loadSettings has already checked that the workspace is a directory.
    return {};
  }
  try {
    const tool: unknown = parseToml(text).tool;
    const table: unknown = typeof tool === 'object' && tool !== null && 'shardline' in tool ? tool.shardline : {};
    if (typeof table === 'object' && table !== null) return table;
    mistakes.push(
      new ShardlineError('bad-config', {
        problem: `tool.shardline in ${path} is not a table.`,
        fix: 'Write [tool.shardline], then one key per line.',
      }),
    );
  } catch (thrown) {
    mistakes.push(
      new ShardlineError('bad-config', {
        problem: `${path} is not valid TOML: ${messageOf(thrown)}`,
        fix: 'Correct the syntax of the file.',
      }),
    );
  }
  return {};
}
