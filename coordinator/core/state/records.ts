// Defines the records of a run's state: shards, attempts, files, tests and agents. Only the guarded moves of moves.ts change their states.
//
// Shard:    planned → open (first attempt enqueued) → done | given-up | split; a late result can still complete a given-up shard (→ done).
//           A split shard is over: its parts are shards of their own.
// Attempt:  enqueued → taken → running → ended; a leaving agent hands back an attempt it has taken: taken → enqueued. Ended is final:
//           the first cause counts.
// Agent:    alive → left | lost; a lost agent that takes or starts an attempt that is still open is alive again. Left is final.

import type { AttemptEnding, AttemptRole, InterruptCause, Lane } from '../../../shared/domain/attempt.ts';
import type { AgentInfo, TestResult, UnfitCause } from '../../../shared/domain/events.ts';
import type { AgentId, AttemptId, NodeId, ShardId, TestFile } from '../../../shared/domain/ids.ts';
import type { Needs } from '../../../shared/domain/needs.ts';
import type { NotRunReason, Outcome } from '../../../shared/domain/outcome.ts';
import type { Selector, Shard } from '../../../shared/domain/shard.ts';
import type { Differences, Fingerprint } from '../../../shared/domain/suite/fingerprint.ts';
import type { DismissalCause } from './events.ts';

export type NonEmpty<Item> = readonly [Item, ...Item[]];
export type ShardState =
  | { readonly kind: 'planned' }
  /** At least one attempt was enqueued. When all have ended and tests are missing, a retry is due. */
  | { readonly kind: 'open'; readonly attempts: NonEmpty<AttemptRecord> }
  /** No test is missing; `accepted` is the attempt that completed the shard. */
  | { readonly kind: 'done'; readonly attempts: NonEmpty<AttemptRecord>; readonly accepted: AttemptId }
  /** The shard kept crashing its session; its missing tests are in these shards now. */
  | { readonly kind: 'split'; readonly attempts: NonEmpty<AttemptRecord>; readonly into: readonly ShardId[] }
  /** The shard's attempts are used up, or no agent can run it; its unfinished tests become not-run. */
  | { readonly kind: 'given-up'; readonly attempts: readonly AttemptRecord[]; readonly why: NotRunReason };
export type AttemptState =
  | { readonly kind: 'enqueued' }
  | { readonly kind: 'taken'; readonly agent: AgentId }
  | { readonly kind: 'running'; readonly agent: AgentId }
  | { readonly kind: 'ended'; readonly agent: AgentId | null; readonly ending: AttemptEnding };
export interface AttemptRecord {
  readonly id: AttemptId;
  readonly shard: ShardId;
  fence: number;
  role: AttemptRole;
  state: AttemptState;
  /** When the attempt started, and the latest time in its events, as its agent reported them; null until then. */
  startedAt: number | null;
  lastEventAt: number | null;
  /** When its first test started; null until reported. */
  firstTestAt: number | null;
  /** When it first and last reported a file or test, by the coordinator's clock; null until then. */
  beganAt: number | null;
  lastReportAt: number | null;
  /** Duration of the attempt by its agent's report, in seconds; null until reported. */
  seconds: number | null;
  /** Set when the agents were asked to stop the attempt. */
  cancelledBy: InterruptCause | null;
  /** Agents that have held it: more than one only if BullMQ handed it out again. Others have no results of it. */
  readonly holders: Set<AgentId>;
  /** True if the attempt does not count against its shard's limit, because its agent is unfit or to blame for its failure. */
  isVoid: boolean;
  readonly needs: Needs;
  /** The agents that get it; null for every agent. */
  readonly lane: Lane | null;
  /** When it ended, by the coordinator's clock; null until then. */
  endedAt: number | null;
}

export interface ShardRecord {
  readonly shard: Shard;
  state: ShardState;
  /** The shard's files: the planned ones in order, then any that only its attempts reported. */
  readonly files: Map<TestFile, FileProgress>;
  /** True if it is part of a shard that was split. */
  readonly isPart: boolean;
  /** When it was due and could not start, because an agent with its labels or a resource was missing. */
  readonly waits: Wait[];
}

export interface Wait {
  /** By the coordinator's clock. */
  readonly since: number;
  /** When its next attempt was enqueued; null until then. */
  until: number | null;
  /** The labels and resources that it lacked. */
  readonly lacks: Needs;
}

/** Progress of one shard with one file. */
export interface FileProgress {
  readonly file: TestFile;
  /** The planned selectors; empty if only an attempt reported this file. */
  readonly selectors: readonly Selector[];
  /** Expected tests in the order in which they were announced. */
  readonly tests: Map<NodeId, TestRecord>;
  /** Tests that run alone, after everything else. */
  readonly serial: Set<NodeId>;
  /** What its tests need; no entry for a test that needs nothing. */
  readonly needs: Map<NodeId, Needs>;
  /** True if a second copy of the file may run beside the first. */
  mayBackUp: boolean;
  /** How many of `tests` have no outcome yet. */
  openTests: number;
  /** Seconds of the first results of the other ones. */
  measuredSeconds: number;
  /** Seconds of the first collection; null if the file was never collected. */
  collectSeconds: number | null;
  /** The attempt that collected the file first, and when it had, as its agent reported it; null until then. */
  collectedBy: { readonly attempt: AttemptId; readonly at: number } | null;
  collectFailed: boolean;
  /** Attempts that collected the file without an error, with their agents; then attempts that reported a collection error first. */
  readonly collectedIn: Map<AttemptId, AgentId>;
  readonly failedIn: Set<AttemptId>;
}

export interface AcceptedResult {
  readonly attempt: AttemptId;
  readonly agent: AgentId;
  readonly result: TestResult;
}

/** One expected test. `accepted` never changes once set; the last of `reruns`, if any, gives the outcome (results.ts). */
export interface TestRecord {
  readonly nodeid: NodeId;
  readonly file: TestFile;
  accepted: AcceptedResult | null;
  /** Results of its reruns, in order; set only if `accepted` is a failure. */
  readonly reruns: AcceptedResult[];
  /** Attempts of the role `rerun` that were to run the test. */
  readonly rerunIn: AttemptRecord[];
  /** True if it failed on an agent that was dismissed. */
  isDoubted: boolean;
  /** Files in which the test counts as open until it has an outcome: one entry, unless shards overlap. */
  readonly expectedIn: FileProgress[];
}

/** A result that contradicts the first one of its test: one of them is a failure. */
export interface ConflictRecord {
  readonly test: TestRecord;
  readonly second: { readonly agent: AgentId; readonly outcome: Outcome };
}

/** An agent's record in the run, judged by its results. */
export interface Conduct {
  /** Number of its results that were no failures. */
  passes: number;
  /** Its failures since the last such result. */
  streak: TestRecord[];
  /** Attempts in a row for which it could not start a session. */
  notStarted: number;
  /** Problem of the last of these; null without one. */
  problem: string | null;
  /** The first file or directory that it could not collect and another agent could. */
  contradicted: { readonly file: TestFile; readonly by: AgentId } | null;
  /** Why a message of it could not be read, or does not count; null without one. */
  unreadable: string | null;
  /** Why the last message in its name, which may be another sender's, does not count; null without one. */
  doubted: string | null;
  /** Attempts in a row that were lost on it although it is alive, and that no counted message of it was about. */
  unheard: number;
  /** Number of its collection errors that another agent confirmed. */
  confirmedErrors: number;
  /** Why it was dismissed, and after how many failures or failed starts in a row; null and 0 while it serves. */
  dismissedFor: DismissalCause | null;
  dismissedAfter: number;
}

export const newConduct = (): Conduct => ({
  passes: 0,
  streak: [],
  notStarted: 0,
  problem: null,
  contradicted: null,
  unreadable: null,
  doubted: null,
  unheard: 0,
  confirmedErrors: 0,
  dismissedFor: null,
  dismissedAfter: 0,
});
export interface AgentRecord {
  readonly id: AgentId;
  /** null while only its work is known, not its joining. */
  info: AgentInfo | null;
  presence: 'alive' | 'left' | 'lost';
  /** True if it takes no more attempts, and leaves once those that it runs have ended. */
  isDraining: boolean;
  /** null until it joined. */
  joinedAt: number | null;
  /** Latest time in its events. */
  lastEventAt: number | null;
  /** Seconds of its ended attempts. */
  attemptSeconds: number;
  readonly conduct: Conduct;
  /** When it left, was lost or was quarantined; null while it serves. */
  goneAt: number | null;
  /** Differences between its workspace and the run's, if they matter to this run. */
  differences: Differences;
  /** Why it could not serve the run at all; null if it could. */
  unfit: { readonly why: UnfitCause; readonly problem: string; readonly host: string; readonly fingerprint: Fingerprint } | null;
  /** Its own figures, reported when it left. */
  left: {
    readonly busySeconds: number;
    readonly idleSeconds: number;
    readonly peakRssBytes: number;
    readonly cpuSeconds: number | null;
  } | null;
}

/** A collection error that only one agent has reported so far. */
export interface Doubt {
  /** A planned file, or a directory or conftest above planned files. */
  readonly file: TestFile;
  readonly agent: AgentId;
  /** Its attempts that reported the error. They ran nothing of the file, through no fault of the shard. */
  readonly attempts: Set<AttemptRecord>;
  /** The shard of the first of these attempts. */
  readonly shard: ShardId;
  readonly rechecks: AttemptRecord[];
}

/** What is known of the numbers of an agent's batches. */
export interface KnownNumbers {
  /** The highest number that was read. null if earlier batches were read without their numbers: they count from the next one. */
  last: number | null;
  /** How many numbers below it were not. */
  missing: number;
}

/** Progress of a file without any report yet. */
export const newProgress = (file: TestFile, selectors: readonly Selector[]): FileProgress => ({
  file,
  selectors,
  tests: new Map(),
  serial: new Set(),
  needs: new Map(),
  mayBackUp: true,
  openTests: 0,
  measuredSeconds: 0,
  collectSeconds: null,
  collectedBy: null,
  collectFailed: false,
  collectedIn: new Map(),
  failedIn: new Set(),
});

/** Counts a test that was added to the file: as open until it has an outcome, else with its seconds. */
export function countTest(progress: FileProgress, test: TestRecord): void {
  if (test.accepted === null) {
    test.expectedIn.push(progress);
    progress.openTests += 1;
  } else progress.measuredSeconds += test.accepted.result.seconds;
}

export function plannedFiles(shard: Shard): Map<TestFile, FileProgress> {
  const files = new Map<TestFile, FileProgress>();
  for (const [file, selectors] of Map.groupBy(shard.selectors, (selector) => selector.file)) files.set(file, newProgress(file, selectors));
  return files;
}

/** True if the planned file was neither collected nor failed to collect; its tests are unknown then. */
export const isUncollected = (progress: FileProgress): boolean =>
  progress.selectors.length > 0 && progress.collectSeconds === null && !progress.collectFailed;

export function allAttemptsOf(record: ShardRecord): readonly AttemptRecord[] {
  return record.state.kind === 'planned' ? [] : record.state.attempts;
}

/** A shard's attempts in the order in which they were enqueued, without reruns of failed tests; empty before the first. */
export const attemptsOf = (record: ShardRecord): readonly AttemptRecord[] => allAttemptsOf(record).filter(({ role }) => role !== 'rerun');

/** True if no attempt of the shard is queued or running. */
export const hasEnded = (record: ShardRecord): boolean => attemptsOf(record).every((attempt) => attempt.state.kind === 'ended');
