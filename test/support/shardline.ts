// Runs the program as a user would, in projects made for one test.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Report } from '../../shared/domain/report.ts';
import { decodeReport } from '../../shared/wire/report.ts';
import { testPython } from './python.ts';

/** How the program is started: interpreter and script. */
export const program = [process.execPath, fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url))] as const;

/** Settings of whoever runs the tests are not those of the tests. */
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SHARDLINE_|GITHUB_|(CI|GITLAB_CI|NO_COLOR|FORCE_COLOR)$)/.test(name)),
  ),
  // Self-tests of pytest are kept beside the test results, not in the user's own cache.
  XDG_CACHE_HOME: fileURLToPath(new URL('../../.shardline/test/cache', import.meta.url)),
};

export interface Project extends AsyncDisposable {
  readonly directory: string;
  /** `shardline ARGV…` there, with the tests' interpreter; it never rejects. */
  readonly shardline: (argv: readonly string[], settings?: Readonly<Record<string, string>>) => ReturnType<typeof start>;
  /** The report of the run whose `--out` was `out`. */
  report(out?: string): Promise<Report>;
  read(path: string): Promise<string>;
  /** Is there such a file by now? */
  holds(path: string): boolean;
}

/** A project of these files, gone when it is disposed of. */
export async function newProject(files: Readonly<Record<string, string>>): Promise<Project> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-project-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
  const read = (path: string): Promise<string> => readFile(join(directory, path), 'utf8');
  return {
    directory,
    read,
    holds: (path) => existsSync(join(directory, path)),
    shardline: (argv, settings = {}) => start(directory, argv, settings),
    report: async (out = 'out') => decodeReport(await read(join(out, 'report.json')), 'report.json'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** What the program finds there, with these settings. */
export const environment = (settings: Readonly<Record<string, string>> = {}): Record<string, string | undefined> => ({
  ...env,
  SHARDLINE_PYTHON: testPython(),
  ...settings,
});

const start = (cwd: string, argv: readonly string[], settings: Readonly<Record<string, string>>) =>
  execa(program[0], [program[1], ...argv], {
    cwd,
    env: environment(settings),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
  });

/** Outcome by node id. */
export const outcomesOf = (report: Report): Record<string, string> =>
  Object.fromEntries(report.tests.map(({ nodeid, outcome }) => [nodeid, outcome]));
