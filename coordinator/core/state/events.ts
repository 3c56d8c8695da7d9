// Defines the events from which the coordinator's state is built, including its own decisions. The run loop writes them to events.ndjson;
// replaying them gives the same state.

import type { AttemptRole, InterruptCause, Lane } from '../../../shared/domain/attempt.ts';
import type { CoverageOptions, ReportedCoverage } from '../../../shared/domain/coverage.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import type { Absence } from '../../../shared/domain/fleet/decline.ts';
import type { AgentId, AttemptId, NodeId, ShardId, TestFile } from '../../../shared/domain/ids.ts';
import type { UnitsClaim } from '../../../shared/domain/leased-units.ts';
import type { Needs, ResourceLimits } from '../../../shared/domain/needs.ts';
import type { NotRunReason } from '../../../shared/domain/outcome.ts';
import type { SuitePart } from '../../../shared/domain/part.ts';
import type { RejectionCause, RunOrigin } from '../../../shared/domain/report.ts';
import type { Reruns } from '../../../shared/domain/reruns.ts';
import type { RunSpec } from '../../../shared/domain/run-spec.ts';
import type { Order, Selector, Shard } from '../../../shared/domain/shard.ts';
import type { PythonPrint } from '../../../shared/domain/suite/fingerprint.ts';
import type { RunCache } from '../../../shared/domain/suite/pytest-cache.ts';
import type { Load } from '../../../shared/domain/suite/suite-list.ts';

import type { Affinity } from '../plan/affinity.ts';

export type EventOf<Kind extends CoordinatorEvent['kind']> = Extract<CoordinatorEvent, { readonly kind: Kind }>;

/** Seconds that the command spent before the first shard was enqueued. */
export interface Preparation {
  readonly setupSeconds: number;
  readonly discoverySeconds: number;
}

/** The first event of every run. `startedAt` is the command's start. Limits are fixed for the whole run. */
export interface RunOpened {
  readonly kind: 'run-opened';
  readonly at: number;
  readonly startedAt: number;
  readonly spec: RunSpec;
  readonly shards: readonly Shard[];
  readonly collectErrors: readonly { readonly file: string; readonly message: string }[];
  readonly preparation: Preparation;
  /** Executions of one shard before its unfinished tests are given up. */
  readonly attemptLimit: number;
  /** Crashes, of tests and of whole attempts, that end the run; 0 means no limit. */
  readonly crashLimit: number;
  readonly reruns: Reruns;
  /** True if a test that passed only in a rerun makes the run fail. */
  readonly flakyFails: boolean;
  /** Seconds that the run waits without a living agent. */
  readonly waitAgentSeconds: number;
  readonly deadline: Deadline | null;
  readonly affinity: Affinity;
  /** Digests of the tests in files that have not changed since a census of the whole list. */
  readonly digests: Readonly<Record<TestFile, string>>;
  /** See `Census.failed`. */
  readonly failedWhole: readonly NodeId[];
  /** See `HowToCollect`. Both are empty if the whole list is collected. */
  readonly companions: readonly TestFile[];
  readonly loads: readonly Load[];
  /** Whether hooks of the suite turn a session without any test file into a success. */
  readonly acceptsNoTests: boolean;
  /** The path of the JUnit file that pytest's own options ask for; null without one. */
  readonly junitXml: string | null;
  /** True if a straggler gets a backup on another agent. */
  readonly speculate: boolean;
  /** null: longest first, or by value once the deadline cannot be met. */
  readonly order: Order | null;
  /** The chance of a failure, by shard; 0 if missing. */
  readonly failureChances: Readonly<Record<ShardId, number>>;
  /** Test counts from earlier runs, by file and by id that the user named. */
  readonly knownTests: KnownTests;
  /** Options of pytest-cov; null if nothing is measured. */
  readonly coverage: CoverageOptions | null;
  /** pytest's cache in the workspace, which the run updates as plain pytest would; null without one. */
  readonly cache: RunCache | null;
  /** Fingerprint of the interpreter that ran discovery; null if agents are not compared with it. */
  readonly python: PythonPrint | null;
  /** The part of the suite that the run runs; null for all of it. */
  readonly part: SuitePart | null;
  /** How many units of each resource the fleet has. */
  readonly resources: ResourceLimits;
  /** The number of agents if no other can join; null if others can. */
  readonly onlyAgents: number | null;
  /** null in a run of an earlier version. */
  readonly origin: RunOrigin | null;
  /** Why the run restarted, and how many results it had by then; null if it did not restart. */
  readonly restarted: Restarted | null;
}

export interface Restarted {
  readonly why: string;
  readonly voidTests: number;
  /** The mismatch to check against the whole list if it caused the restart; null for another cause. */
  readonly mismatch: Mismatch | null;
}

/** The collection of one file alone; `digest` is null if it held no test. */
export interface Mismatch {
  readonly file: TestFile;
  readonly digest: string | null;
}

/** The time budget of a whole run, from the command's start. `reserveSeconds` of it are reserved for merging and reports. */
export interface Deadline {
  readonly seconds: number;
  readonly reserveSeconds: number;
}

/** Who sent a batch, and its number: agents number their batches from 1. */
export interface BatchNumber {
  readonly agent: AgentId;
  readonly seq: number;
}

export type CoordinatorEvent =
  | RunOpened
  | RunEvent
  | {
      readonly kind: 'attempt-enqueued';
      readonly at: number;
      readonly attempt: AttemptId;
      readonly shard: ShardId;
      readonly fence: number;
      readonly role: AttemptRole;
      /** Selectors of the attempt, recorded so that replay need not derive them. */
      readonly selectors: readonly Selector[];
      /** Absent without needs. */
      readonly needs?: Needs | undefined;
      /** Absent for every agent. */
      readonly lane?: Lane | undefined;
    }
  /** The shard's attempts are used up; its missing tests are not run. */
  | { readonly kind: 'shard-given-up'; readonly at: number; readonly shard: ShardId; readonly why: NotRunReason }
  /** The shards of the whole list replace those planned before the list was known. */
  | ({ readonly kind: 'suite-planned'; readonly at: number } & SuitePlan)
  /** Collecting by file gave another suite than the whole list: the run restarts, and no earlier result counts. */
  | { readonly kind: 'run-restarted'; readonly at: number; readonly opening: RunOpened }
  /**
   * Its missing tests are divided among these new shards: the shard kept crashing its session, or tests need what it does not have
   * (`byNeeds`).
   */
  | {
      readonly kind: 'shard-split';
      readonly at: number;
      readonly shard: ShardId;
      readonly into: readonly Shard[];
      readonly byNeeds?: boolean | undefined;
    }
  /** The shard is due, and waits for an agent with these labels or for these resources. */
  | { readonly kind: 'shard-waits'; readonly at: number; readonly shard: ShardId; readonly lacks: Needs }
  /** All claims of attempts that are not enqueued yet, of resources that the run shares with others. */
  | { readonly kind: 'units-claimed'; readonly at: number; readonly claims: readonly UnitsClaim[] }
  /** Which of these claims are granted, and which wait for other runs. */
  | {
      readonly kind: 'units-leased';
      readonly at: number;
      readonly granted: readonly AttemptId[];
      readonly waiting: readonly AttemptId[];
    }
  | { readonly kind: 'attempt-taken'; readonly at: number; readonly attempt: AttemptId; readonly agent: AgentId }
  /** The agent was asked to leave: its workspace differs from the run's, or others do better. Its failed tests run on other agents. */
  | { readonly kind: 'agent-dismissed'; readonly at: number; readonly agent: AgentId; readonly why: DismissalCause }
  /** An agent that has not joined was asked who it is; recorded so that `decide` asks rarely. */
  | { readonly kind: 'agent-asked'; readonly at: number; readonly agent: AgentId }
  | { readonly kind: 'agent-lost'; readonly at: number; readonly agent: AgentId }
  /** An agent declared lost is alive. Its attempts stay lost, but their results still count. */
  | { readonly kind: 'agent-returned'; readonly at: number; readonly agent: AgentId }
  /**
   * No living agent has the attempt, or will get it: a reply of Redis was lost with a connection, Redis lost its last writes, or all agents of
   * the attempt's lane are gone or drain.
   */
  | { readonly kind: 'attempt-lost'; readonly at: number; readonly attempt: AttemptId; readonly agent: AgentId | null }
  /** Agents were asked to stop this attempt; recorded so that `decide` asks only once. */
  | { readonly kind: 'attempt-cancelled'; readonly at: number; readonly attempt: AttemptId; readonly by: InterruptCause }
  | { readonly kind: 'interrupt-requested'; readonly at: number; readonly by: string }
  | { readonly kind: 'redis-lost'; readonly at: number; readonly message: string }
  /** Redis came back without the run (`isMissing`) or with an earlier state of it; the state of running attempts is unknown. */
  | { readonly kind: 'redis-emptied'; readonly at: number; readonly isMissing: boolean }
  /**
   * Every event up to this entry of the run's stream was read. The agreed clock was `aheadMs` ahead of the coordinator's. `from` is the number
   * of its batch; absent unless the run requires signatures.
   */
  | {
      readonly kind: 'stream-read';
      readonly at: number;
      readonly position: string;
      readonly aheadMs: number;
      readonly from?: BatchNumber;
      readonly digest?: string;
    }
  /**
   * The entry of the run's stream at this position does not count. `agent` is its sender; null if that is unknown. `from` is the number of its
   * batch, and `keyId` names the key of its signature, if that proves the sender.
   */
  | {
      readonly kind: 'message-rejected';
      readonly at: number;
      readonly position: string;
      readonly agent: AgentId | null;
      readonly why: RejectionCause;
      readonly problem: string;
      readonly from?: BatchNumber;
      readonly keyId?: string;
    }
  /** Another coordinator took over the run with its whole record. */
  | { readonly kind: 'run-resumed'; readonly at: number }
  /** Every agent that could serve the run has ended. Without this event the run waits for one to join. */
  | { readonly kind: 'no-agent-can-come'; readonly at: number; readonly message: string }
  /** No agent serves the run; these agents of its pool do not. Recorded when that changes. */
  | { readonly kind: 'pool-seen'; readonly at: number; readonly absences: readonly Absence[] }
  /** When the run would finish at its present speed; recorded every few seconds. */
  | ({ readonly kind: 'forecast'; readonly at: number } & Forecast)
  | { readonly kind: 'tick'; readonly at: number }
  /** All received coverage was combined and reported as requested. */
  | { readonly kind: 'coverage-combined'; readonly at: number; readonly coverage: ReportedCoverage }
  | { readonly kind: 'run-closed'; readonly at: number; readonly why: CloseReason };

/** An event that a coordinator made itself. */
export type OwnEvent = Exclude<CoordinatorEvent, RunEvent>;

/** The shards of a whole list. */
export interface SuitePlan {
  readonly shards: readonly Shard[];
  /** See `RunOpened`. */
  readonly failureChances: Readonly<Record<ShardId, number>>;
}

/** Why no further shard starts: all done, or a cause that leaves tests not run. */
export type CloseReason =
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped'; readonly notRun: NotRunReason; readonly by: InterruptCause };

/**
 * `fingerprint`: its workspace differs from the run's. `collection`: it cannot collect what another agent can. `other-list`: it collects
 * other tests, with `--collect suite`. `messages`: its messages do not count.
 */
export const dismissalCauses = ['failures', 'not-started', 'fingerprint', 'collection', 'other-list', 'messages'] as const;
export type DismissalCause = (typeof dismissalCauses)[number];
/** Numbers of tests by file, by directory, and by id that the user named; no entry if no earlier run ran any. */
export type KnownTests = Readonly<Record<string, number>>;

export interface Forecast {
  /** Seconds until the last result. */
  readonly secondsLeft: number;
  /** Seconds by which that is later than the start of the drain; 0 if in time, null without a deadline. */
  readonly lateSeconds: number | null;
  /** null if the run is in time. */
  readonly remedy: Remedy | null;
}
export interface Remedy {
  /** How many more agents like the present ones are enough; null if none are, because one piece of work alone takes too long. */
  readonly agents: number | null;
  readonly workersPerAgent: number;
  /** The fewest files to leave out so that the rest is done in time: their number, and the longest ones by name. */
  readonly leaveOut: { readonly files: number; readonly named: readonly TestFile[] };
}

/** The event with its agent renamed. */
export function withAgent(event: CoordinatorEvent, rename: (agent: AgentId) => AgentId): CoordinatorEvent {
  if (event.kind === 'agent-joined') return { ...event, agent: { ...event.agent, id: rename(event.agent.id) } };
  if (event.kind === 'coverage-kept') return { ...event, coverage: { ...event.coverage, agent: rename(event.coverage.agent) } };
  return 'agent' in event && event.agent !== null ? { ...event, agent: rename(event.agent) } : event;
}
