// The state of a scenario while it is played. Agents, coordinators and faults have files of their own.

import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import type { RunId } from '../../shared/domain/ids.ts';
import type { LogRecord } from '../../shared/wire/run-log.ts';
import type { Process } from '../fakes/redis/process.ts';
import { type Defects, type RedisServer, startServer } from '../fakes/redis/server.ts';
import { type SimulatedNetwork, simulatedNetwork } from './network.ts';
import { type Rank, RUN, SECOND_RUN } from './opening.ts';
import type { Ended } from './play.ts';
import { type Scenario, secondOf } from './scenario.ts';
import { type Truth, truthOf, type Use } from './truth.ts';
import { type VirtualTime, virtualTime } from './virtual-time.ts';

/** 2026, so that dates in reports look like dates. */
export const START = Date.UTC(2026, 0, 1);

/** A process with its code. `leave` is what it gets for Ctrl-C. */
export interface Living {
  readonly process: Process;
  readonly leave: AbortController;
  isOver: boolean;
}

export interface LivingAgent extends Living {
  readonly drain: AbortController;
}

export interface Coordinator extends Living {
  readonly name: string;
  /** Its log of the run. */
  readonly log: LogRecord[];
  /** The events of its log. */
  readonly journal: CoordinatorEvent[];
  /** Has it begun to close the run? */
  isClosing: boolean;
  /** Did another coordinator take over the run? That one may have died since. */
  isDeposed: boolean;
  /** Did it find a living coordinator, and left the run to it? */
  isRefused: boolean;
}

/** One run and what belongs to it, in the world that it shares with the other run of its scenario. */
export interface World {
  readonly scenario: Scenario;
  readonly rank: Rank;
  /** The other run, if there is one; null for that run itself. */
  readonly second: World | null;
  readonly time: VirtualTime;
  readonly server: RedisServer;
  readonly network: SimulatedNetwork;
  readonly truth: Truth;
  readonly agents: Map<string, LivingAgent>;
  readonly coordinators: Coordinator[];
  /** The coordinator that has the record of the run. */
  newest: Coordinator | null;
  readonly log: string[];
  readonly failures: string[];
  readonly ended: Ended[];
  readonly hoarders: string[];
  readonly usurpers: string[];
}

export const newWorld = (scenario: Scenario, defects: Defects): World => {
  const time = virtualTime(START);
  const shared = {
    time,
    server: startServer(time, defects),
    network: simulatedNetwork(scenario, time.now),
    agents: new Map(),
    log: [],
    failures: [],
    hoarders: [],
  };
  const work = { atWork: new Map(), overworked: [], using: new Set<Use>() };
  const own = (its: Scenario) => ({ scenario: its, truth: truthOf(its, work), coordinators: [], newest: null, ended: [], usurpers: [] });
  const beside = secondOf(scenario);
  const second =
    beside === null
      ? null
      : { ...shared, ...own(beside), rank: { run: SECOND_RUN, priority: scenario.second?.priority ?? 0 }, second: null };
  return { ...shared, ...own(scenario), rank: { run: RUN, priority: 0 }, second };
};

/** The truth about the suite of a run. */
export const truthFor = ({ rank, truth, second }: World, run: RunId): Truth => (second !== null && run !== rank.run ? second.truth : truth);

/** Writes a line into the log of the run, with the time. */
export function note({ log, time }: World, text: string): void {
  log.push(`${(time.now() - START).toFixed(2)} ${text}`);
}

export const describe = (thrown: unknown): string => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown));
