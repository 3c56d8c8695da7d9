// The truth: runs plain pytest, or pytest -n, with a recorder that shares no code with shardline.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { environment } from '../support/shardline.ts';
import { readJunit, readJunitProperties } from './junit-cases.ts';
import { countOutcomes, distinct, type Observation, type ObservedTest } from './observation.ts';
import { pluginArgs } from './plugins.ts';
import type { OracleSuite, Step } from './suite.ts';
import type { Workspace } from './workspace.ts';

/** A suite that takes longer than this hangs. */
export const HANGS_AFTER_MS = 180_000;

interface Recorded {
  readonly tests: readonly ObservedTest[];
  readonly collectErrors: readonly string[];
  readonly deselected: number;
  readonly warnings: readonly string[];
}

const NOTHING: Recorded = { tests: [], collectErrors: [], deselected: 0, warnings: [] };
const recorder = fileURLToPath(new URL('./python', import.meta.url));

/** Runs one step with pytest itself. `extra` are arguments before those of the suite, such as `-n 2`. */
export async function runPytest(
  suite: OracleSuite,
  step: Step,
  workspace: Workspace,
  python: string,
  extra: readonly string[] = [],
): Promise<Observation> {
  const record = join(workspace.scratch, 'record.json');
  const junit = join(workspace.scratch, 'plain.xml');
  const [command, ...module] = suite.launch === 'module' ? [python, '-m', 'pytest'] : [join(dirname(python), 'pytest')];
  // After a collection error plain pytest runs nothing and exits 2; `pytest -n` and shardline run the rest (docs/exit-codes.md).
  // In the other JUnit family pytest warns of record_property, which it does not do without a JUnit file.
  const file = suite.junit ? [`--junitxml=${junit}`, '-o', 'junit_family=xunit1'] : [];
  const ours = ['-p', 'oracle_recorder', '--continue-on-collection-errors', ...file];
  const { all, exitCode } = await execa(
    command ?? 'pytest',
    [...module, ...ours, ...extra, ...pluginArgs(suite.plugins), ...step.args, ...step.targets],
    {
      cwd: workspace.cwd,
      env: suiteEnvironment(suite, workspace, { PYTHONPATH: recorder, ORACLE_RECORD: record }),
      extendEnv: false,
      reject: false,
      all: true,
      stdin: 'ignore',
      timeout: HANGS_AFTER_MS,
    },
  );
  const recorded = existsSync(record) ? (JSON.parse(readFileSync(record, 'utf8')) as Recorded) : NOTHING;
  const isParallel = extra.length > 0;
  return {
    exitCode: exitCode ?? null,
    tests: recorded.tests,
    counts: countOutcomes(recorded.tests),
    collectErrors: recorded.collectErrors,
    // Only the workers of pytest-xdist know this number.
    deselected: isParallel ? null : recorded.deselected,
    junit: suite.junit ? readJunit(junit) : null,
    files: workspace.left(),
    reads: workspace.read(suite.reads),
    warnings: distinct(recorded.warnings),
    cache: workspace.cache(),
    properties: suite.junit ? readJunitProperties(junit) : null,
    log: all.slice(-3000),
  };
}

/** `{workspace}` in a value stands for the suite's copy. */
export const suiteEnvironment = (
  suite: OracleSuite,
  workspace: Workspace,
  more: Readonly<Record<string, string>>,
): Record<string, string | undefined> => {
  const { PYTEST_ADDOPTS: _, ...rest } = environment(more);
  const own = Object.entries(suite.env).map(([name, value]) => [name, value.replaceAll('{workspace}', workspace.directory)]);
  return { ...rest, PYTHONDONTWRITEBYTECODE: '1', ...Object.fromEntries(own) };
};
