// Computes the status of a run at one instant, as values for display.

import type { AgentId } from '../../../shared/domain/ids.ts';
import type { Lane, RunningTests } from '../../core/state/attempts/running-tests.ts';
import { collectErrorsOf } from '../../core/state/collection/collect-errors.ts';
import { awaitsList } from '../../core/state/collection/suite.ts';
import type { Forecast } from '../../core/state/events.ts';
import { type HowFar, howFar } from '../../core/state/progress.ts';
import type { RunState } from '../../core/state/run-state.ts';
import type { Tally } from './tally.ts';

export interface RunStatus {
  readonly tally: Tally;
  /** The number of known tests. It grows until every file is collected. */
  readonly tests: number;
  readonly collectErrors: number;
  /** Teardowns that failed after the result of their last test. */
  readonly lateErrors: number;
  readonly howFar: HowFar;
  readonly elapsedSeconds: number;
  readonly deadlineSeconds: number | null;
  /** Seconds from now; null while there is no estimate. */
  readonly secondsLeft: number | null;
  /** By how much the run will miss its deadline; 0 if it meets it or has none. */
  readonly lateSeconds: number;
  /**
   * `collecting`: every xdist worker collects the whole suite and no test is known yet. `ending`: no more tests start, and the run waits
   * for running tests and teardowns.
   */
  readonly phase: 'collecting' | 'running' | 'stopping' | 'ending';
  readonly agents: readonly AgentStatus[];
}

/** One agent that is connected. */
export interface AgentStatus {
  readonly id: AgentId;
  readonly host: string;
  readonly workers: number;
  readonly lanes: readonly LaneStatus[];
}

/** The current test of one xdist worker and its age. The test is null while the worker collects, tears down or is idle. */
export interface LaneStatus {
  readonly worker: string;
  readonly nodeid: string | null;
  readonly seconds: number;
}

/**
 * An xdist worker keeps showing a test for this long after it ends. Without that, quick tests would flicker, because there is a gap between
 * two tests.
 */
const LINGERS_MS = 1000;

export interface RunView {
  readonly state: RunState;
  readonly tally: Tally;
  readonly running: RunningTests;
  /** The last forecast and when it was made; null before the first. */
  readonly forecast: (Forecast & { readonly at: number }) | null;
}

/** `now` is in milliseconds since the epoch. */
export function statusAt({ state, tally, running, forecast }: RunView, now: number): RunStatus {
  const { opened, tests, agents, closed, interruptedBy } = state;
  const byAgent = Map.groupBy(running.lanes(), ({ agent }) => agent);
  const errors = collectErrorsOf(state);
  const lateErrors = errors.filter(({ nodeid }) => nodeid.includes('::') && tests.has(nodeid)).length;
  const far = howFar(state);
  const left = forecast === null ? null : Math.max(0, forecast.secondsLeft - (now - forecast.at) / 1000);
  return {
    tally,
    // The newest result may belong to a test that the state does not contain yet.
    tests: Math.max(tests.size, tally.done),
    collectErrors: errors.length - lateErrors,
    lateErrors,
    // A list of the whole suite names every test.
    howFar: { ...far, isAllCollected: far.isAllCollected || state.suite.list !== null },
    elapsedSeconds: Math.max(0, (now - opened.startedAt) / 1000),
    deadlineSeconds: opened.deadline?.seconds ?? null,
    secondsLeft: left,
    lateSeconds: forecast?.lateSeconds ?? 0,
    phase: closed !== null ? 'ending' : interruptedBy !== null ? 'stopping' : awaitsList(state) ? 'collecting' : 'running',
    agents: [...agents.values()]
      .filter(({ presence }) => presence === 'alive')
      .map(({ id, info }) => ({
        id,
        host: info?.host ?? '',
        workers: info?.workers ?? 0,
        lanes: (byAgent.get(id) ?? []).map((lane) => laneAt(lane, now)),
      }))
      .toSorted((left, right) => inOrder(left.id, right.id)),
  };
}

function laneAt({ worker, test, endedAt }: Lane, now: number): LaneStatus {
  const secondsSince = (at: number): number => Math.max(0, (now - at) / 1000);
  if (endedAt === null) return { worker, nodeid: test.nodeid, seconds: secondsSince(test.beganAt) };
  return now - endedAt < LINGERS_MS
    ? { worker, nodeid: test.nodeid, seconds: 0 }
    : { worker, nodeid: null, seconds: secondsSince(endedAt) };
}

/** Sorts `a2` before `a10`. */
export const inOrder = (left: string, right: string): number => left.localeCompare(right, 'en', { numeric: true });
