// Reads an earlier run to compare with: the output of a shardline run, or a JUnit file of any pytest runner.

import { resolve } from 'node:path';
import type { Report } from '../../shared/domain/report.ts';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import type { Baseline } from '../core/result/compare.ts';
import { junitKey, namesOf } from '../core/result/junit-id.ts';
import { readFinishedRun } from './finished-run.ts';
import { readJunitFile } from './junit-file.ts';

/** Throws `not-a-result`. */
export async function readBaseline(name: string, cwd: string): Promise<Baseline> {
  return name.endsWith('.xml')
    ? await junitBaseline(name, resolve(cwd, name))
    : baselineOf((await readFinishedRun(name, cwd)).report, name);
}

export const baselineOf = (report: Report, name: string): Baseline => ({
  name,
  tests: new Map(report.tests.map(({ nodeid, outcome, seconds }) => [nodeid, { outcome, seconds }])),
  keyOf: (nodeid) => nodeid,
});

async function junitBaseline(name: string, path: string): Promise<Baseline> {
  try {
    return { name, tests: await readJunitFile(path), keyOf: (nodeid) => junitKey(namesOf(nodeid)) };
  } catch (thrown) {
    throw new ShardlineError('not-a-result', { path, problem: reasonOf(thrown) }, { cause: thrown });
  }
}
