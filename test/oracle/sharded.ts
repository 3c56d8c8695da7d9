// Runs a suite with shardline as a user does, and observes the results: the exit code, report.json and junit.xml.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { optionTable } from '../../cli/options.ts';
import { decodeReport } from '../../shared/wire/report/report.ts';
import { program } from '../support/shardline.ts';
import { readJunit } from './junit-cases.ts';
import { distinct, type Observation, outcomes } from './observation.ts';
import { HANGS_AFTER_MS, suiteEnvironment } from './plain.ts';
import { pluginArgs } from './plugins.ts';
import { NO_EXTRAS, readExtras } from './report-extras.ts';
import type { OracleSuite, Step } from './suite.ts';
import type { Workspace } from './workspace.ts';

export interface Fleet {
  readonly agents: number;
  readonly workers: number;
  /** The value of `--collect`; null if this version of shardline has no such option. */
  readonly collect: 'suite' | 'auto' | null;
}

/** Whether this version of shardline has `--collect`. */
export const knowsCollect = optionTable.some(({ name }) => String(name) === 'collect');

/** Runs one step with a local fleet. */
export async function runShardline(
  suite: OracleSuite,
  step: Step,
  workspace: Workspace,
  python: string,
  fleet: Fleet,
): Promise<Observation> {
  const out = join(workspace.scratch, 'out');
  rmSync(out, { recursive: true, force: true });
  const options = ['--agents', String(fleet.agents), '-n', String(fleet.workers), '--out', out];
  const collect = fleet.collect === null ? [] : ['--collect', fleet.collect];
  const args = [...pluginArgs(suite.plugins), ...step.args];
  const argv = ['run', ...step.targets, ...options, ...collect, ...(args.length > 0 ? ['--', ...args] : [])];
  const { all, exitCode } = await execa(program[0], [program[1], ...argv], {
    cwd: workspace.cwd,
    env: suiteEnvironment(suite, workspace, { SHARDLINE_PYTHON: python }),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
    timeout: HANGS_AFTER_MS,
    forceKillAfterDelay: 10_000,
  });
  const path = join(out, 'report.json');
  // A usage error leaves no report.
  const text = existsSync(path) ? readFileSync(path, 'utf8') : null;
  const report = text === null ? null : decodeReport(text, path);
  return {
    exitCode: exitCode ?? null,
    tests: (report?.tests ?? []).map(({ nodeid, outcome }) => ({ id: nodeid, outcome })),
    counts: Object.fromEntries(outcomes.map((outcome) => [outcome, report?.totals[outcome] ?? 0])),
    collectErrors: distinct((report?.collectErrors ?? []).map(({ nodeid }) => nodeid)),
    junit: report === null ? null : readJunit(join(out, 'junit.xml')),
    files: workspace.left(),
    reads: workspace.read(suite.reads),
    cache: workspace.cache(),
    ...(text === null ? NO_EXTRAS : readExtras(text)),
    log: all.slice(-3000),
  };
}
