// What the coordinator's state is made from, and what it decides. The run loop writes the events to events.ndjson: replaying them gives the same state.

import type { AttemptRole, InterruptCause } from '../../../shared/domain/attempt.ts';
import type { CoverageOptions, ReportedCoverage } from '../../../shared/domain/coverage.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import type { PythonPrint } from '../../../shared/domain/fingerprint.ts';
import type { AgentId, AttemptId, NodeId, ShardId, TestFile } from '../../../shared/domain/ids.ts';
import type { Order } from '../../../shared/domain/order.ts';
import type { NotRunReason } from '../../../shared/domain/outcome.ts';
import type { RunCache } from '../../../shared/domain/pytest-cache.ts';
import type { Reruns } from '../../../shared/domain/reruns.ts';
import type { RunSpec } from '../../../shared/domain/run-spec.ts';
import type { Selector, Shard } from '../../../shared/domain/shard.ts';

import type { Affinity } from '../plan/affinity.ts';

/** Where the command's time went before the first shard was enqueued, in seconds. */
export interface Preparation {
  readonly setupSeconds: number;
  readonly discoverySeconds: number;
}

/** The first event of every run. `startedAt` is the command's start; limits are fixed for the whole run. */
export interface RunOpened {
  readonly kind: 'run-opened';
  readonly at: number;
  readonly startedAt: number;
  readonly spec: RunSpec;
  readonly shards: readonly Shard[];
  readonly collectErrors: readonly { readonly file: string; readonly message: string }[];
  readonly preparation: Preparation;
  /** How many executions one shard gets before its unfinished tests are given up. */
  readonly attemptLimit: number;
  /** How many crashes, of tests and of whole attempts, end the run; 0 means no limit. */
  readonly crashLimit: number;
  readonly reruns: Reruns;
  /** Does a test that passed only when it was run again make the run fail? */
  readonly flakyFails: boolean;
  /** How long the run waits with no living agent. */
  readonly waitAgentSeconds: number;
  readonly deadline: Deadline | null;
  readonly affinity: Affinity;
  /** Of files that have not changed since a census of the whole list: what they held then. */
  readonly digests: Readonly<Record<TestFile, string>>;
  /** As in `Census.failed`. */
  readonly failedWhole: readonly NodeId[];
  /** Whether an attempt that holds up the end gets a backup on another agent. */
  readonly speculate: boolean;
  /** null: longest first, and by value once the deadline cannot be met. */
  readonly order: Order | null;
  /** The chance that something in a shard fails, by shard; 0 where nothing is said. */
  readonly failureChances: Readonly<Record<ShardId, number>>;
  /** How many tests earlier runs knew of each file, and of each id that the user named. */
  readonly knownTests: KnownTests;
  /** What pytest-cov was asked for; null where nothing is measured. */
  readonly coverage: CoverageOptions | null;
  /** pytest's cache in the workspace, which the run leaves as plain pytest would; null where there is none. */
  readonly cache: RunCache | null;
  /** Of the interpreter that discovered the suite; null where no agent's is compared with it. */
  readonly python: PythonPrint | null;
  /** Why the run began anew, and how many results it had by then; null for a first beginning. */
  readonly restarted: Restarted | null;
}

export interface Restarted {
  readonly why: string;
  readonly voidTests: number;
  /** What the whole list is to be compared with, where that is why; null for another reason. */
  readonly mismatch: Mismatch | null;
}

/** What was collected of one file alone; `digest` is null where that was no test. */
export interface Mismatch {
  readonly file: TestFile;
  readonly digest: string | null;
}

/** The time budget of a whole run, from the command's start. `reserveSeconds` of it are kept for merging and reports. */
export interface Deadline {
  readonly seconds: number;
  readonly reserveSeconds: number;
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
      /** What it runs, so that nobody has to derive that again. */
      readonly selectors: readonly Selector[];
    }
  /** Its attempts are used up: what it still lacks is not run. */
  | { readonly kind: 'shard-given-up'; readonly at: number; readonly shard: ShardId; readonly why: NotRunReason }
  /** The shards of the whole list, in place of those that were planned before it was known. */
  | {
      readonly kind: 'suite-planned';
      readonly at: number;
      readonly shards: readonly Shard[];
      /** As in `RunOpened`. */
      readonly failureChances: Readonly<Record<ShardId, number>>;
    }
  /** The suite is not what was collected of it file by file: the run begins anew, and nothing that came before counts. */
  | { readonly kind: 'run-restarted'; readonly at: number; readonly opening: RunOpened }
  /** It kept ending its session: what it still lacked is divided among these new shards. */
  | { readonly kind: 'shard-split'; readonly at: number; readonly shard: ShardId; readonly into: readonly Shard[] }
  | { readonly kind: 'attempt-taken'; readonly at: number; readonly attempt: AttemptId; readonly agent: AgentId }
  /** It was asked to leave: its workspace is not the run's, or it does worse than other agents. What failed there is run again elsewhere. */
  | { readonly kind: 'agent-dismissed'; readonly at: number; readonly agent: AgentId; readonly why: DismissalCause }
  | { readonly kind: 'agent-lost'; readonly at: number; readonly agent: AgentId }
  /** It was thought to be lost, and is there. What it held stays lost; what it tells of it counts all the same. */
  | { readonly kind: 'agent-returned'; readonly at: number; readonly agent: AgentId }
  /** It does not wait, and nobody who is there has it: an answer of Redis was lost with a connection, or what Redis stored last with Redis. */
  | { readonly kind: 'attempt-lost'; readonly at: number; readonly attempt: AttemptId; readonly agent: AgentId | null }
  /** The agents were told to stop this attempt; recorded so that `decide` asks once. */
  | { readonly kind: 'attempt-cancelled'; readonly at: number; readonly attempt: AttemptId; readonly by: InterruptCause }
  | { readonly kind: 'interrupt-requested'; readonly at: number; readonly by: string }
  | { readonly kind: 'redis-lost'; readonly at: number; readonly message: string }
  /** Redis came back without the run (`isMissing`), or at an earlier state of it: whatever is under way there is unknown. */
  | { readonly kind: 'redis-emptied'; readonly at: number; readonly isMissing: boolean }
  /** Everything up to this entry of the run's stream was taken. */
  | { readonly kind: 'stream-read'; readonly at: number; readonly position: string }
  /** Another coordinator has taken the run over, with all that is recorded of it. */
  | { readonly kind: 'run-resumed'; readonly at: number }
  /** Every agent that could ever come has ended; without it the run waits for one to join. */
  | { readonly kind: 'no-agent-can-come'; readonly at: number; readonly message: string }
  /** When the run would be done at the present speed, said every few seconds. */
  | ({ readonly kind: 'forecast'; readonly at: number } & Forecast)
  | { readonly kind: 'tick'; readonly at: number }
  /** All coverage that came was combined, and reported as it was asked for. */
  | { readonly kind: 'coverage-combined'; readonly at: number; readonly coverage: ReportedCoverage }
  | { readonly kind: 'run-closed'; readonly at: number; readonly why: CloseReason };

/** Why no further shard is started: all done, or a cause that leaves tests not run. */
export type CloseReason =
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped'; readonly notRun: NotRunReason; readonly by: InterruptCause };

/**
 * `fingerprint`: its workspace is not the run's. `collection`: it cannot collect what another agent can. `other-list`: it collects other tests, with
 * `--collect suite`.
 */
export const dismissalCauses = ['failures', 'not-started', 'fingerprint', 'collection', 'other-list'] as const;
export type DismissalCause = (typeof dismissalCauses)[number];
/** Numbers of tests by file, by directory, and by id that the user named; nothing of what no earlier run ran. */
export type KnownTests = Readonly<Record<string, number>>;

export interface Forecast {
  /** Until the last result, in seconds. */
  readonly secondsLeft: number;
  /** By how much that is later than the drain begins; 0 when it is in time, null without a deadline. */
  readonly lateSeconds: number | null;
  /** null where nothing needs mending. */
  readonly remedy: Remedy | null;
}
export interface Remedy {
  /** How many more agents like the present ones would do; null where none would, as one piece of work alone is too long. */
  readonly agents: number | null;
  readonly workersPerAgent: number;
  /** The fewest files without which the rest would be done in time: how many, and the longest of them by name. */
  readonly leaveOut: { readonly files: number; readonly named: readonly TestFile[] };
}
