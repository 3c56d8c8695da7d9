// What a run's time was made of, phase by phase. All phases together are the time from the command's start to the run's close.

import type { AgentId } from '../../../shared/domain/ids.ts';
import type { Breakdown, Phase } from '../../../shared/domain/report.ts';
import { sum } from '../../../shared/numbers.ts';
import type { WorkerSpan } from '../state/worker-time.ts';

/** Times in milliseconds since the epoch; sums in seconds of one xdist worker. */
export interface Measured {
  readonly startedAt: number;
  readonly firstEnqueuedAt: number;
  readonly closedAt: number;
  readonly collectionSeconds: number;
  readonly executionSeconds: number;
  /** Of work whose results were not counted. */
  readonly lostSeconds: number;
  readonly spans: readonly WorkerSpan[];
  /** How many xdist workers each agent has. */
  readonly workersOf: ReadonlyMap<AgentId, number>;
  /** Agents that were gone before the run closed, and since when: they were waited for by nobody. */
  readonly goneAtOf: ReadonlyMap<AgentId, number>;
}

/**
 * Preparation is told as it passes. After it every xdist worker collects, runs tests or waits, and each of these is told as the
 * mean of all workers. Clocks agree to a few milliseconds only: no phase is taken below nothing.
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
    // Replacements of dead workers make more spans than there are workers at a time.
    const firsts = spans.map(({ firstAt }) => within(firstAt)).sort((left, right) => left - right);
    const lasts = spans.map(({ lastAt }) => within(lastAt)).sort((left, right) => right - left);
    for (let index = 0; index < count; index += 1) {
      // One that never got work was no later than the first of all.
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
