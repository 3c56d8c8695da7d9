// Runs the program as a user does, in a project made for one test.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Report } from '../../shared/domain/report.ts';
import { decodeReport } from '../../shared/wire/report/report.ts';
import { testPython } from './python.ts';

/** The bundle of bundled-program.ts; undefined outside vitest, where the program runs from its sources. */
const bundled = process.env.SHARDLINE_TEST_PROGRAM;

/** The script that runs the program from its sources, for a test of what it loads. */
export const sources = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));

/** The command that starts the program: interpreter and script. */
export const program = [process.execPath, bundled ?? sources] as const;

/** The environment without the settings of the user who runs the tests. */
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(SHARDLINE_|GITHUB_|OTEL_|(TRACEPARENT|TRACESTATE|CI|GITLAB_CI|NO_COLOR|FORCE_COLOR)$)/.test(name),
    ),
  ),
  // Keeps the self-tests of pytest beside the test results instead of in the user's cache.
  XDG_CACHE_HOME: fileURLToPath(new URL('../../.shardline/test/cache', import.meta.url)),
};

export interface Project extends AsyncDisposable {
  readonly directory: string;
  /** Runs `shardline ARGV…` in the project, with the tests' interpreter. Never rejects. */
  readonly shardline: (argv: readonly string[], settings?: Readonly<Record<string, string>>) => ReturnType<typeof start>;
  /** Reads the report of the run with this `--out`. */
  report(out?: string): Promise<Report>;
  read(path: string): Promise<string>;
  /** Does this file exist now? */
  holds(path: string): boolean;
}

/** Makes a project with these files. Disposing of it removes it. */
export async function newProject(files: Readonly<Record<string, string>>, script: string = program[1]): Promise<Project> {
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
    shardline: (argv, settings = {}) => start(directory, script, argv, settings),
    report: async (out = 'out') => decodeReport(await read(join(out, 'report.json')), 'report.json'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The environment of the program, with these settings. The compiled code of a bundle is kept, and removed, with the bundle. */
export const environment = (settings: Readonly<Record<string, string>> = {}): Record<string, string | undefined> => ({
  ...env,
  SHARDLINE_PYTHON: testPython(),
  ...(bundled === undefined ? {} : { NODE_COMPILE_CACHE: join(dirname(bundled), 'compiled') }),
  ...settings,
});

const start = (cwd: string, script: string, argv: readonly string[], settings: Readonly<Record<string, string>>) =>
  execa(program[0], [script, ...argv], {
    cwd,
    env: environment(settings),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
    // An agent that is to leave first finishes its shards, which may take longer than the 5 s of execa.
    forceKillAfterDelay: 60_000,
  });

/** Outcome by node id. */
export const outcomesOf = (report: Report): Record<string, string> =>
  Object.fromEntries(report.tests.map(({ nodeid, outcome }) => [nodeid, outcome]));
