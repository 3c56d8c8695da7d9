// Plays a scenario: the production loops of coordinator and agents over the model of Redis, under virtual time, with the faults of the scenario. Records
// everything that coordinators saw, so that two runs of one scenario can be compared byte for byte. check.ts has the rules that a run must keep.

import type { CoordinatorEvent, RunOpened } from '../../coordinator/core/state/events.ts';
import type { RunState } from '../../coordinator/core/state/run-state.ts';
import type { Report } from '../../shared/domain/report.ts';
import { type Defects, SOUND } from '../fakes/redis/server.ts';
import { startAgent } from './agent.ts';
import { startCoordinator } from './coordinator.ts';
import { scheduleFaults, scheduleOwnFaults } from './faults.ts';
import { startRival } from './rival.ts';
import type { Scenario } from './scenario.ts';
import { type Coordinator, type Living, newWorld, START, type World } from './world.ts';

/** A scenario that takes longer than this after its last fault, in virtual time, never ends. */
const PATIENCE_MS = 10 * 60_000;
/** How long to keep playing after the end: a coordinator may wake up late, and agents continue. */
const AFTERMATH_MS = 1000;
/** How long agents may take to leave when they are asked to. */
const LEAVE_MS = 5 * 60_000;

/** A coordinator that brought its run to an end, with everything that it recorded. */
export interface Ended {
  readonly name: string;
  readonly opening: RunOpened;
  readonly journal: readonly CoordinatorEvent[];
  readonly state: RunState;
  readonly report: Report;
  /** When its loop ended, by its own clock. */
  readonly endedAt: number;
}

export interface Played {
  readonly scenario: Scenario;
  /** In the order in which they ended: mostly one. */
  readonly ended: readonly Ended[];
  /** Everything that coordinators recorded and how processes ended, a line each. */
  readonly log: readonly string[];
  /** Processes that failed, in words. */
  readonly failures: readonly string[];
  /** Did no coordinator end the run, although one was there that could? */
  readonly isStuck: boolean;
  /** Did agents stay after they were asked to leave? */
  readonly isStaying: boolean;
  /** Results that sessions reported. */
  readonly results: number;
  /** Agents that left in order but kept a job that they had not started. */
  readonly hoarders: readonly string[];
  /** Coordinators that lost the run to another one. */
  readonly deposed: readonly string[];
  /** Coordinators that closed a run which another one had taken over. */
  readonly usurpers: readonly string[];
  /** Resources of which more units were in use than there are. */
  readonly overused: readonly string[];
  /** Agents that ran more tests at once than they have xdist workers, in words. */
  readonly overworked: readonly string[];
  /** How often a test used a resource. */
  readonly uses: number;
  /** Attempts that were finished in the queue before their end was stored. */
  readonly early: readonly string[];
  /** The runs whose keys are left on the server. */
  readonly leftovers: readonly string[];
  /** The other run of the pool. */
  readonly second: Played | null;
}

/** `defects` switches protections off, to show that the rules notice it. */
export async function play(scenario: Scenario, defects: Defects = SOUND): Promise<Played> {
  const world = newWorld(scenario, defects);
  const { time, agents, server } = world;
  let isEnding = false;
  for (const agent of scenario.agents)
    time.after(agent.startsAt, () => {
      if (!isEnding) startAgent(world, agent);
    });
  startCoordinator(world);
  startRival(world);
  scheduleFaults(world);
  const { second } = world;
  if (second !== null) {
    time.after(scenario.second?.startsAt ?? 0, () => startCoordinator(second));
    scheduleOwnFaults(second);
  }
  const runs = [world, second].filter((each) => each !== null);

  const lastFaultAt = START + Math.max(scenario.second?.startsAt ?? 0, ...runs.map(lastFaultOf));
  const isOver = ({ ended, coordinators }: World): boolean => ended.length > 0 || (time.now() > lastFaultAt && coordinators.every(isGone));
  const isDone = (): boolean => runs.every(isOver);
  await time.play(isDone, lastFaultAt + PATIENCE_MS);
  await time.play(() => false, Math.max(time.now(), lastFaultAt) + AFTERMATH_MS);
  const stuck = new Set(
    runs.filter(({ ended, newest, coordinators }) => ended.length === 0 && (isHeld(newest) || isDropped(coordinators))),
  );
  isEnding = true;
  for (const { process, leave } of agents.values()) process.resume(() => leave.abort());
  const isStaying = !(await time.play(() => [...agents.values()].every(isGone), time.now() + LEAVE_MS));
  const leftovers = [...server.data.runs.keys()];
  const playedOf = (its: World): Played => ({
    scenario: its.scenario,
    ended: its.ended,
    log: its.log,
    failures: its.failures,
    isStuck: stuck.has(its),
    isStaying,
    results: its.truth.results,
    hoarders: its.hoarders,
    deposed: its.coordinators.filter((each) => each.isDeposed && !isRunClosed(each)).map(({ name }) => name),
    usurpers: its.usurpers,
    overused: its.truth.overused,
    overworked: its === world ? its.truth.overworked : [],
    uses: its.truth.uses,
    early: server.early,
    leftovers,
    second: its.second === null ? null : playedOf(its.second),
  });
  return playedOf(world);
}

/** When the last fault of a run is over, from the start. */
const lastFaultOf = ({ scenario }: World): number =>
  Math.max(0, ...scenario.faults.map((fault) => fault.at + ('forMs' in fault ? fault.forMs : 0)));

/** Once a run has closed, another coordinator only reports it. */
const isRunClosed = ({ journal }: Coordinator): boolean => journal.some(({ kind }) => kind === 'run-closed');

const isGone = ({ isOver, process }: Living): boolean => isOver || process.isDead();

/** Does a living coordinator hold the run? */
const isHeld = (coordinator: Coordinator | null): boolean =>
  coordinator !== null && !coordinator.process.isDead() && !coordinator.isDeposed && coordinator.journal.length > 0;

/** Are all coordinators alive, and was each that had the run deposed by another? */
const isDropped = (coordinators: readonly Coordinator[]): boolean =>
  coordinators.every(({ process, isDeposed, isRefused }) => (isDeposed || isRefused) && !process.isDead());
