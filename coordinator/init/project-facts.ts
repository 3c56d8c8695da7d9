// Reads from a repository what a CI workflow for it needs: how it runs pytest now, on which Python, and what it installs.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import { type CiProvider, ciProviders } from '../../shared/settings/settings.ts';
import { type PytestLine, readPytestLine } from './pytest-line.ts';
import { namedVersions, newest, pythonOfJob, supportedVersion } from './python-versions.ts';

/** Where each provider has its configuration. */
const PLACES: Readonly<Record<CiProvider, readonly string[]>> = {
  github: ['.github/workflows'],
  gitlab: ['.gitlab-ci.yml'],
  circleci: ['.circleci/config.yml'],
  buildkite: ['.buildkite/pipeline.yml', '.buildkite/pipeline.yaml'],
  azure: ['azure-pipelines.yml', 'azure-pipelines.yaml'],
};

/** The largest file that is read, in characters. */
const MOST_CHARS = 1_000_000;
const NO_ARGS: PytestLine = { prefix: [], paths: [], options: [], pytestArgs: [], dropped: [] };

export interface ProjectFacts {
  readonly provider: CiProvider;
  /** The file in which the line that runs pytest was found; null if none was. */
  readonly source: string | null;
  readonly pytest: PytestLine;
  /** The Python versions that the new jobs run on, as `3.12`; empty if the machines or the steps of the old job decide. */
  readonly pythons: readonly string[];
  /** Commands that install the project and what its tests need. */
  readonly install: readonly string[];
  /** The GitHub job that runs pytest; null without one. */
  readonly job: GithubJob | null;
  /** What could not be read or kept, as sentences. */
  readonly notes: readonly string[];
}

/** A job of a GitHub workflow, as its author wrote it. */
export interface GithubJob {
  /** What the workflow sets for all its jobs: token permissions, environment, defaults. */
  readonly workflow: Readonly<Record<string, unknown>>;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The steps before the one that runs pytest. */
  readonly before: readonly unknown[];
  /** Names of the steps after it. */
  readonly after: readonly string[];
}

/** `asked`: the provider that the user named; null to find it. */
export async function readProject(directory: string, asked: CiProvider | null): Promise<ProjectFacts> {
  const notes: string[] = [];
  const files = await configurations(directory, notes);
  const provider = asked ?? files[0]?.provider ?? 'github';
  const own = [...files.filter((file) => file.provider === provider), ...files.filter((file) => file.provider !== provider)];
  const found = own
    .flatMap(({ path, content }) => linesIn(content).map((line) => ({ path, line })))
    .find(({ line }) => readPytestLine(line) !== null);
  const job = provider === 'github' ? firstOf(own, ({ content }) => jobIn(content)) : null;
  const texts = own.flatMap(({ content }) => linesIn(content));
  const contents = own.map(({ content }) => content);
  const { pythons, notes: aboutPython } = await pythonsOf(directory, { provider, contents, job });
  return {
    provider,
    source: found?.path ?? null,
    pytest: (found && readPytestLine(found.line)) ?? NO_ARGS,
    pythons,
    install: await installsOf(directory, found === undefined ? [] : texts),
    job,
    notes: [...notes, ...aboutPython],
  };
}

interface Configuration {
  readonly provider: CiProvider;
  readonly path: string;
  readonly content: unknown;
}

async function configurations(directory: string, notes: string[]): Promise<readonly Configuration[]> {
  const found: Configuration[] = [];
  for (const provider of ciProviders) {
    for (const place of PLACES[provider]) {
      for (const path of place.includes('.y') ? [place] : await yamlIn(directory, place)) {
        const text = await textOf(join(directory, path));
        if (text === null) continue;
        try {
          found.push({ provider, path, content: parseYaml(text) });
        } catch {
          notes.push(`${path} is not valid YAML, so nothing was read from it.`);
        }
      }
    }
  }
  return found;
}

async function yamlIn(directory: string, folder: string): Promise<readonly string[]> {
  const names = await readdir(join(directory, folder)).catch((): string[] => []);
  return names
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => `${folder}/${name}`);
}

/** null if there is no such file, or it is too large to be a configuration. */
async function textOf(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  return text === null || text.length > MOST_CHARS ? null : text;
}

/** Every line of every text in it, because providers name their scripts differently. A backslash joins lines. */
function linesIn(value: unknown): readonly string[] {
  if (typeof value === 'string')
    return value
      .replaceAll(/\\\n\s*/g, ' ')
      .split('\n')
      .map((line) => line.trim());
  return isTable(value) || Array.isArray(value) ? Object.values(value).flatMap(linesIn) : [];
}

/** Keys of a workflow that also hold for the new jobs. */
const KEPT = ['permissions', 'env', 'defaults'] as const;

function jobIn(content: unknown): GithubJob | null {
  const jobs = isTable(content) && isTable(content.jobs) ? Object.values(content.jobs) : [];
  return firstOf(jobs, (fields) => {
    if (!isTable(fields) || !Array.isArray(fields.steps)) return null;
    const at = fields.steps.findIndex((step) => isTable(step) && linesIn(step.run ?? '').some((line) => readPytestLine(line) !== null));
    const workflow = Object.fromEntries(KEPT.flatMap((key) => (isTable(content) && key in content ? [[key, content[key]]] : [])));
    return at === -1 ? null : { workflow, fields, before: fields.steps.slice(0, at), after: fields.steps.slice(at + 1).map(nameOf) };
  });
}

function nameOf(step: unknown): string {
  if (!isTable(step)) return 'an unknown step';
  const [line = ''] = linesIn(step.run ?? '');
  return String(step.name ?? step.uses ?? line);
}

/**
 * From the job that is kept, or else from the CI configuration, `.python-version`, or what the project supports. Only GitHub runs several, and
 * the machines of Buildkite have their own.
 */
async function pythonsOf(directory: string, found: Found): Promise<Pick<ProjectFacts, 'pythons'> & { readonly notes: readonly string[] }> {
  const { provider, contents, job } = found;
  if (provider === 'buildkite') return { pythons: [], notes: [] };
  const pinned = /^(\d\.\d+)/.exec((await textOf(join(directory, '.python-version'))) ?? '')?.[1];
  const named = job === null ? namedVersions(contents) : pythonOfJob(job).versions;
  if (named.length === 0) {
    if (pinned !== undefined) return { pythons: [pinned], notes: [] };
    const requires = String((await projectTable(directory))['requires-python'] ?? '');
    return { pythons: job === null ? [supportedVersion(requires)] : [], notes: [] };
  }
  if (provider === 'github' || named.length === 1) return { pythons: named, notes: [] };
  const chosen = newest(named) ?? supportedVersion('');
  const note = `found Python ${named.join(', ')}; these jobs run on ${chosen} only. For another version, copy the jobs and change it`;
  return { pythons: [chosen], notes: [note] };
}

interface Found {
  readonly provider: CiProvider;
  readonly contents: readonly unknown[];
  readonly job: GithubJob | null;
}

async function installsOf(directory: string, lines: readonly string[]): Promise<readonly string[]> {
  const found = lines.filter((line) =>
    /^(python[\d.]* -m )?pip3? install |^(uv (sync|pip install)|poetry install|pdm install|pipenv (sync|install))\b/.test(line),
  );
  if (found.length > 0) return [...new Set(found)];
  const names = await readdir(directory).catch((): string[] => []);
  if (names.includes('uv.lock')) return ['pip install uv', 'uv sync'];
  if (names.includes('poetry.lock')) return ['pip install poetry', 'poetry install'];
  const requirements = names.filter((name) => /^requirements([-_.](dev|test|tests|ci))?\.txt$/.test(name)).sort();
  const files = requirements.length === 0 ? [] : [`pip install ${requirements.map((name) => `-r ${name}`).join(' ')}`];
  const project = await projectTable(directory);
  const extras = isTable(project['optional-dependencies']) ? Object.keys(project['optional-dependencies']) : [];
  const extra = ['test', 'tests', 'testing', 'dev'].find((name) => extras.includes(name));
  const isPackage = typeof project.name === 'string' || names.includes('setup.py');
  const own = isPackage ? [`pip install -e '.${extra === undefined ? '' : `[${extra}]`}'`] : [];
  return [...files, ...own];
}

/** The table `[project]` of pyproject.toml; empty without one. */
async function projectTable(directory: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await textOf(join(directory, 'pyproject.toml'));
  try {
    const project = text === null ? null : parseToml(text).project;
    return isTable(project) ? project : {};
  } catch {
    // pytest and pip report a broken file better.
    return {};
  }
}

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function firstOf<Item, Found>(items: readonly Item[], find: (item: Item) => Found | null): Found | null {
  for (const item of items) {
    const found = find(item);
    if (found !== null) return found;
  }
  return null;
}
