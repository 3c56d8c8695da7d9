// Breaks a run's time down by phase. The phases add up to the time from the command's start to the run's close.

import type { AgentId } from '../../../shared/domain/ids.ts';
import type { Breakdown, Phase } from '../../../shared/domain/report.ts';
import { sum } from '../../../shared/numbers.ts';
import type { WorkerSpan } from '../state/worker-time.ts';

/** Times in milliseconds since the epoch, sums in seconds of one xdist worker. */
export interface Measured {
  readonly startedAt: number;
  readonly firstEnqueuedAt: number;
  readonly closedAt: number;
  readonly collectionSeconds: number;
  readonly executionSeconds: number;
  /** Seconds of work whose results were not counted. */
  readonly lostSeconds: number;
  readonly spans: readonly WorkerSpan[];
  /** xdist workers per agent. */
  readonly workersOf: ReadonlyMap<AgentId, number>;
  /** Agents that were gone before the run closed, and since when. The run did not wait for them. */
  readonly goneAtOf: ReadonlyMap<AgentId, number>;
}

/**
 * Counts preparation as elapsed time. After it every xdist worker collects, runs tests or waits, and each of these phases is the mean over
 * all workers. Clocks agree only to a few milliseconds, so no phase goes below zero.
 */
export function breakDown(measured: Measured): Breakdown {
  const { firstEnqueuedAt, closedAt, workersOf, goneAtOf } = measured;
  const workers = Math.max(1, sum([...workersOf.values()]));
  const within = (at: number): number => Math.min(Math.max(at, firstEnqueuedAt), closedAt);
  const workStartAt = within(measured.spans.reduce((first, { firstAt }) => Math.min(first, firstAt), closedAt));
  const workEndAt = within(measured.spans.reduce((last, { lastAt }) => Math.max(last, lastAt), firstEnqueuedAt));

  let startUpMs = 0;
  let imbalanceMs = 0;
  let goneMs = 0;
  const spansOf = Map.groupBy(measured.spans, ({ agent }) => agent);
  for (const [agent, count] of workersOf) {
    const spans = spansOf.get(agent) ?? [];
    // Replacements of dead workers leave more spans than there are workers at a time.
    const firsts = spans.map(({ firstAt }) => within(firstAt)).sort((left, right) => left - right);
    const lasts = spans.map(({ lastAt }) => within(lastAt)).sort((left, right) => right - left);
    for (let index = 0; index < count; index += 1) {
      // A worker that never got work was ready no later than the first worker with work.
      startUpMs += (firsts[index] ?? workStartAt) - firstEnqueuedAt;
      const idleMs = Math.max(0, workEndAt - (lasts[index] ?? workStartAt));
      if (goneAtOf.has(agent)) goneMs += idleMs;
      else imbalanceMs += idleMs;
    }
  }
  const makespanSeconds = Math.max(0, closedAt - firstEnqueuedAt) / 1000;
  const known = {
    'start-up': startUpMs / 1000 / workers,
    collection: measured.collectionSeconds / workers,
    execution: measured.executionSeconds / workers,
    lost: (measured.lostSeconds + goneMs / 1000) / workers,
    imbalance: imbalanceMs / 1000 / workers,
    ending: (closedAt - workEndAt) / 1000,
  };
  const seconds: Readonly<Record<Phase, number>> = {
    preparation: Math.max(0, firstEnqueuedAt - measured.startedAt) / 1000,
    ...known,
    between: Math.max(0, makespanSeconds - sum(Object.values(known))),
  };
  const total = sum(Object.values(seconds));
  const part = (phase: Phase) => ({ seconds: seconds[phase], share: total > 0 ? seconds[phase] / total : 0 });
  return {
    preparation: part('preparation'),
    'start-up': part('start-up'),
    collection: part('collection'),
    execution: part('execution'),
    between: part('between'),
    lost: part('lost'),
    imbalance: part('imbalance'),
    ending: part('ending'),
  };
}
