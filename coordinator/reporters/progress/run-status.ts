// How a run stands at one instant: what a person who looks at it wants to know, as values.

import type { AgentId } from '../../../shared/domain/ids.ts';
import type { Lane, RunningTests } from '../../core/result/running-tests.ts';
import { collectErrorsOf } from '../../core/state/collection/collect-errors.ts';
import { awaitsList } from '../../core/state/collection/suite.ts';
import type { Forecast } from '../../core/state/events.ts';
import { type HowFar, howFar } from '../../core/state/progress.ts';
import type { RunState } from '../../core/state/run-state.ts';
import type { Tally } from './tally.ts';

export interface Standing {
  readonly tally: Tally;
  /** Tests that are known of; more come as long as not every file was collected. */
  readonly tests: number;
  readonly collectErrors: number;
  /** Teardowns that failed after the result of their last test. */
  readonly lateErrors: number;
  readonly howFar: HowFar;
  readonly elapsedSeconds: number;
  readonly deadlineSeconds: number | null;
  /** null while nothing can be said. Seconds from now. */
  readonly secondsLeft: number | null;
  /** By how much the deadline will be missed; 0 when it is kept, or where there is none. */
  readonly lateSeconds: number;
  /**
   * `collecting`: every worker collects the whole suite, and no test is known yet. `ending`: nothing more is begun, and what still runs or is torn down is
   * waited for.
   */
  readonly phase: 'collecting' | 'running' | 'stopping' | 'ending';
  readonly agents: readonly AgentStanding[];
}

/** One agent that is there. */
export interface AgentStanding {
  readonly id: AgentId;
  readonly host: string;
  readonly workers: number;
  readonly lanes: readonly LaneStanding[];
}

/** What one xdist worker is at, and for how long; null where it is at no test: it collects, tears down, or has nothing to do. */
export interface LaneStanding {
  readonly worker: string;
  readonly nodeid: string | null;
  readonly seconds: number;
}

/** For so long after its end a test stands for what its worker is at: between quick tests there is always a moment. */
const LINGERS_MS = 1000;

export interface Watched {
  readonly state: RunState;
  readonly tally: Tally;
  readonly running: RunningTests;
  /** The last one, and when it was made; null before the first. */
  readonly forecast: (Forecast & { readonly at: number }) | null;
}

/** `now`: milliseconds since the epoch. */
export function standingAt({ state, tally, running, forecast }: Watched, now: number): Standing {
  const { opened, tests, agents, closed, interruptedBy } = state;
  const byAgent = Map.groupBy(running.lanes(), ({ agent }) => agent);
  const errors = collectErrorsOf(state);
  const lateErrors = errors.filter(({ nodeid }) => nodeid.includes('::') && tests.has(nodeid)).length;
  const far = howFar(state);
  const left = forecast === null ? null : Math.max(0, forecast.secondsLeft - (now - forecast.at) / 1000);
  return {
    tally,
    // The newest result may be of a test that the state does not know yet.
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

function laneAt({ worker, test, endedAt }: Lane, now: number): LaneStanding {
  const secondsSince = (at: number): number => Math.max(0, (now - at) / 1000);
  if (endedAt === null) return { worker, nodeid: test.nodeid, seconds: secondsSince(test.beganAt) };
  return now - endedAt < LINGERS_MS
    ? { worker, nodeid: test.nodeid, seconds: 0 }
    : { worker, nodeid: null, seconds: secondsSince(endedAt) };
}

/** `a2` before `a10`. */
export const inOrder = (left: string, right: string): number => left.localeCompare(right, 'en', { numeric: true });
