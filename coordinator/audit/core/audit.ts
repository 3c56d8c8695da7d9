// One audit: the measurements of a suite, the conclusions from them, and the predictions. The files in page/ format it.

import { fileOf, type NodeId, type TestFile } from '../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../shared/domain/outcome.ts';
import { type Change, changesOf } from './changes.ts';
import { type Findings, localWorkers, type Sharded, type Timed } from './findings.ts';
import { type Execution, judgeSuspects, type Suspect } from './isolation.ts';
import type { Measurement } from './measurement.ts';
import { adviseMemory, type MemoryAdvice } from './memory-advice.ts';
import { type Costs, type Prediction, predict } from './predict.ts';

/** A prediction by shardline's planner, and its prediction for the measured run as a check. */
export interface Checked extends Prediction {
  readonly costsFrom: 'shardline' | 'pytest -n';
  readonly durationsFrom: 'one after another' | 'pytest -n';
  readonly check: { readonly predictedSeconds: number; readonly measuredSeconds: number } | null;
}

export interface Audit extends Findings {
  /** The measurement that provides the durations of files, tests and fixtures; null if there is none. */
  readonly basis: Measurement | null;
  readonly slowFiles: readonly Timed[];
  readonly slowTests: readonly Timed[];
  readonly prediction: Checked | null;
  readonly suspects: readonly (Suspect & { readonly line: number | null })[];
  /** Tests that failed in every execution, and therefore not because of poor isolation. */
  readonly alwaysFailing: readonly NodeId[];
  readonly memory: MemoryAdvice | null;
  readonly changes: readonly Change[];
}

export function auditOf(findings: Findings): Audit {
  const { sequential, parallel, sharded, executions, machine } = findings;
  const basis = sequential ?? parallel;
  const prediction = basis === null ? null : predictionOf(findings, basis);
  const suspects = judgeSuspects(executions).map((suspect) => ({ ...suspect, line: basis?.tests.get(suspect.nodeid)?.line ?? null }));
  return {
    ...findings,
    basis,
    slowFiles: basis === null ? [] : slowestFiles(basis),
    slowTests: basis === null ? [] : longestFirst([...basis.tests].map(([name, { seconds }]) => ({ name, seconds, tests: null }))),
    prediction,
    suspects,
    alwaysFailing: alwaysFailing(executions),
    memory: adviseMemory(parallel ?? { peakRssBytes: 0, collectedRssBytes: 0, workers: 0 }, machine.memoryBytes),
    changes:
      basis === null ? [] : changesOf({ basis, parallel, sharded, prediction, imports: findings.imports, workers: localWorkers(findings) }),
  };
}

function predictionOf(findings: Findings, basis: Measurement): Checked | null {
  const { parallel, sharded, shardSeconds, sequential } = findings;
  const fixedSeconds = sharded === null ? null : fixedOf(sharded);
  const otherwise = parallel === null ? null : parallel.phases.start + parallel.phases.end;
  const known = fixedSeconds ?? otherwise;
  if (known === null || basis.isPartial || basis.tests.size === 0) return null;
  const costs: Costs = {
    fixedSeconds: known,
    shardSeconds,
    workersPerAgent: Math.max(1, Math.round(localWorkers(findings) / (sharded?.agents ?? 1))),
    dist: parallel?.dist ?? 'load',
  };
  const [here] = sharded === null ? [] : predict(basis, costs, [sharded.agents]).rows;
  return {
    ...predict(basis, costs),
    costsFrom: fixedSeconds === null ? 'pytest -n' : 'shardline',
    durationsFrom: sequential === null ? 'pytest -n' : 'one after another',
    check: sharded === null || here === undefined ? null : { predictedSeconds: here.seconds, measuredSeconds: sharded.seconds },
  };
}

/** The run's time outside collection and tests: preparation, start and end. null if nothing ran. */
function fixedOf({ seconds, report }: Sharded): number | null {
  const { breakdown } = report.profile;
  if (breakdown === null) return null;
  const work = (['collection', 'execution', 'between', 'lost', 'imbalance'] as const).reduce(
    (sum, phase) => sum + breakdown[phase].seconds,
    0,
  );
  return Math.max(0, seconds - work);
}

function slowestFiles({ files, tests }: Measurement): readonly Timed[] {
  const ran = Map.groupBy(tests, ([id]) => fileOf(id));
  const all = new Set<TestFile>([...files.keys(), ...ran.keys()]);
  return longestFirst(
    [...all].map((name) => {
      const here = ran.get(name) ?? [];
      return { name, seconds: (files.get(name) ?? 0) + here.reduce((sum, [, { seconds }]) => sum + seconds, 0), tests: here.length };
    }),
  );
}

function alwaysFailing(executions: readonly Execution[]): readonly NodeId[] {
  const ids = new Set(executions.flatMap(({ outcomes }) => [...outcomes.keys()]));
  const known = (id: NodeId): Outcome[] => executions.flatMap(({ outcomes }) => outcomes.get(id) ?? []);
  return [...ids].filter((id) => known(id).every(isFailure));
}

const longestFirst = (all: readonly Timed[]): readonly Timed[] => all.toSorted((left, right) => right.seconds - left.seconds);
