// Plays one run at scale, from the plan to the merged report, beside its rivals and its bound.

import { NO_AFFINITY } from '../../../coordinator/core/plan/affinity.ts';
import { estimateFiles } from '../../../coordinator/core/plan/estimate.ts';
import { FIXED_SECONDS, planShards } from '../../../coordinator/core/plan/plan.ts';
import { splitUnits } from '../../../coordinator/core/plan/split.ts';
import { merge } from '../../../coordinator/core/result/merge.ts';
import { attemptsOf } from '../../../coordinator/core/state/records.ts';
import type { RunState } from '../../../coordinator/core/state/run-state.ts';
import type { Report } from '../../../shared/domain/report.ts';
import type { Shard } from '../../../shared/domain/shard.ts';
import type { Timings } from '../../../shared/domain/suite/timings.ts';
import { sum } from '../../../shared/numbers.ts';
import { opened } from '../../unit/core/run-kit.ts';
import { virtualTime } from '../virtual-time.ts';
import { boundSeconds } from './bound.ts';
import { createScaleRun } from './coordinator.ts';
import type { Fleet } from './fleet.ts';
import { heapBytes, spentSeconds } from './measure.ts';
import { plainQueue, type RivalResult, staticParts } from './rivals.ts';
import { knownTimings, type ScaleTruth } from './scenario.ts';

export interface ScaleResult {
  readonly makespanSeconds: number;
  /** What no schedule can beat. */
  readonly boundSeconds: number;
  readonly waste: Waste;
  /** Processor time of the coordinator's core. */
  readonly cost: Cost;
  readonly events: number;
  readonly report: Report;
  readonly staticParts: RivalResult;
  readonly plainQueue: RivalResult;
}

export interface Cost {
  readonly planSeconds: number;
  /** All turns: reduce, decide and act. */
  readonly turnSeconds: number;
  readonly mergeSeconds: number;
  /** Heap of the plan and the state at the end of the run, without what the suite itself takes. */
  readonly stateBytes: number;
  /** Heap that the merged report adds. */
  readonly reportBytes: number;
}

/** Seconds of xdist workers. */
export interface Waste {
  readonly spentSeconds: number;
  /** Work of shards that had a backup, beyond what counted. */
  readonly duplicatedSeconds: number;
  /** All other work that did not count: it was on an agent that is gone. */
  readonly lostSeconds: number;
}

export async function playAtScale(truth: ScaleTruth): Promise<ScaleResult> {
  const timings = knownTimings(truth);
  const heapBefore = heapBytes();
  const [shards, planSeconds] = timed(() => plan(truth, timings));
  const time = virtualTime(0);
  const run = createScaleRun(opened(shards, { at: 0, startedAt: 0, speculate: true }), truth, time);
  await run.play();
  const { state, fleet } = run;
  const heapOfState = heapBytes();
  const [report, mergeSeconds] = timed(() => merge(state, { finishedAt: time.now(), mergeSeconds: 0 }));
  const cost = {
    planSeconds,
    turnSeconds: run.seconds(),
    mergeSeconds,
    stateBytes: heapOfState - heapBefore,
    reportBytes: heapBytes() - heapOfState,
  };
  return {
    makespanSeconds: ((state.closed?.at ?? 0) - (state.firstEnqueuedAt ?? 0)) / 1000,
    boundSeconds: boundSeconds(truth),
    waste: wasteOf(state, fleet),
    cost,
    events: run.events(),
    report,
    staticParts: staticParts(truth),
    plainQueue: await plainQueue(truth),
  };
}

function timed<Value>(work: () => Value): readonly [Value, number] {
  const before = spentSeconds();
  const value = work();
  return [value, spentSeconds() - before];
}

/** Plans as `shardline run` does. */
function plan({ files, size }: ScaleTruth, timings: Timings): readonly Shard[] {
  const slots = size.agents * size.workers;
  const estimates = estimateFiles(
    files.map(({ name }) => ({ file: name, nodeids: null })),
    timings,
  );
  const units = [...estimates].map(([file, seconds]) => ({ selectors: [{ kind: 'file', file } as const], seconds }));
  const split = splitUnits(units, { timings, affinity: NO_AFFINITY, slots, thresholdSeconds: null });
  return planShards({ units: split, slots, fixedSeconds: FIXED_SECONDS }).shards;
}

function wasteOf({ shards }: RunState, { spent }: Fleet): Waste {
  let [duplicatedSeconds, lostSeconds] = [0, 0];
  for (const record of shards.values()) {
    const attempts = attemptsOf(record);
    let wasted = sum(attempts.map(({ id }) => spent.get(id) ?? 0));
    for (const { collectSeconds, measuredSeconds } of record.files.values()) wasted -= (collectSeconds ?? 0) + measuredSeconds;
    if (attempts.some(({ role }) => role === 'backup')) duplicatedSeconds += wasted;
    else lostSeconds += wasted;
  }
  return { spentSeconds: sum(spent.values()), duplicatedSeconds, lostSeconds };
}
