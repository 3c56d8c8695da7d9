// The records that a run's state is made of: shards, attempts, files, tests and agents. Their states change by the guarded moves of moves.ts only.
//
// Shard:    planned → open (first attempt enqueued) → done | given-up | split; a given-up shard is still done if a late result completes it.
//           A split one is over: its parts are shards of their own.
// Attempt:  enqueued → taken → running → ended; an agent that leaves hands back what it has taken: taken → enqueued. Ended is final: first cause wins.
// Agent:    alive → left | lost; a lost one that takes or starts an attempt that is still open is alive again. Left is final.

import type { AttemptEnding, AttemptRole, InterruptCause } from '../../../shared/domain/attempt.ts';
import type { AgentInfo, TestResult, UnfitCause } from '../../../shared/domain/events.ts';
import type { Differences, Fingerprint } from '../../../shared/domain/fingerprint.ts';
import type { AgentId, AttemptId, NodeId, ShardId, TestFile } from '../../../shared/domain/ids.ts';
import type { NotRunReason } from '../../../shared/domain/outcome.ts';
import type { Selector, Shard } from '../../../shared/domain/shard.ts';
import type { DismissalCause } from './events.ts';

export type NonEmpty<Item> = readonly [Item, ...Item[]];
export type ShardState =
  | { readonly kind: 'planned' }
  /** At least one attempt was enqueued. When all have ended and tests are missing, a retry is due. */
  | { readonly kind: 'open'; readonly attempts: NonEmpty<AttemptRecord> }
  /** Nothing of it is missing; `accepted` is the attempt that completed it. */
  | { readonly kind: 'done'; readonly attempts: NonEmpty<AttemptRecord>; readonly accepted: AttemptId }
  /** It kept ending its session: what it lacked is in these shards now. */
  | { readonly kind: 'split'; readonly attempts: NonEmpty<AttemptRecord>; readonly into: readonly ShardId[] }
  /** Its attempts are used up; what is unfinished becomes not-run. */
  | { readonly kind: 'given-up'; readonly attempts: NonEmpty<AttemptRecord>; readonly why: NotRunReason };
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
  /** When it started and what time it told of last; null until told. */
  startedAt: number | null;
  lastToldAt: number | null;
  /** When its first test started; null until told. */
  firstTestAt: number | null;
  /** When it first and last told something of a file or test, by the coordinator's clock; null until then. */
  beganAt: number | null;
  heardAt: number | null;
  /** How long its agent says it took; null until told. */
  seconds: number | null;
  /** Set when the agents were told to stop it. */
  cancelledBy: InterruptCause | null;
  /** Was it lost on an agent that is unfit for the run? Then it uses none of its shard's attempts up. */
  isVoid: boolean;
}

export interface ShardRecord {
  readonly shard: Shard;
  state: ShardState;
  /** The files it is about: those planned, in order, then any that only its attempts told of. */
  readonly files: Map<TestFile, FileProgress>;
  /** Is it part of a shard that was split? */
  readonly isPart: boolean;
}

/** How far one shard is with one file. */
export interface FileProgress {
  readonly file: TestFile;
  /** As planned; empty when only an attempt told of this file. */
  readonly selectors: readonly Selector[];
  /** Expected tests, in the order they were announced. */
  readonly tests: Map<NodeId, TestRecord>;
  /** Those of `tests` that run alone, after everything else. */
  readonly serial: Set<NodeId>;
  /** May a second copy of it run beside the first? */
  mayBackUp: boolean;
  /** How many of `tests` have no outcome yet. */
  openTests: number;
  /** How long the first collection took; null while the file was never collected. */
  collectSeconds: number | null;
  collectFailed: boolean;
  /** Attempts that collected it without an error, with their agents; and those that reported an error before. */
  readonly collectedIn: Map<AttemptId, AgentId>;
  readonly failedIn: Set<AttemptId>;
}

export interface AcceptedResult {
  readonly attempt: AttemptId;
  readonly agent: AgentId;
  readonly result: TestResult;
}

/** One expected test. Once `accepted` is set it never changes; the outcome is that of the last of `reruns`, where there are some (rerun.ts). */
export interface TestRecord {
  readonly nodeid: NodeId;
  readonly file: TestFile;
  accepted: AcceptedResult | null;
  /** What its reruns brought, in order; `accepted` failed then. */
  readonly reruns: AcceptedResult[];
  /** The attempts of the role `rerun` that were to run it. */
  readonly rerunIn: AttemptRecord[];
  /** Did it fail on an agent that was taken out for its failures? */
  isDoubted: boolean;
  /** Where it counts as open until it has an outcome: one entry but for shards that overlap. */
  readonly expectedIn: FileProgress[];
}

/** What an agent's results say of it. */
export interface Conduct {
  /** How many of its results were no failures. */
  passes: number;
  /** Its failures since the last of these. */
  streak: TestRecord[];
  /** Attempts in a row for which it could start no session. */
  notStarted: number;
  /** What the last of these said; null without one. */
  problem: string | null;
  /** The first file or directory that it could not collect and another agent could. */
  contradicted: { readonly file: TestFile; readonly by: AgentId } | null;
  /** How many of its collection errors another agent confirmed. */
  confirmedErrors: number;
  /** Why it was taken out, and after how many failures or starts in a row; null and 0 while it serves. */
  dismissedFor: DismissalCause | null;
  dismissedAfter: number;
}

export const newConduct = (): Conduct => ({
  passes: 0,
  streak: [],
  notStarted: 0,
  problem: null,
  contradicted: null,
  confirmedErrors: 0,
  dismissedFor: null,
  dismissedAfter: 0,
});
export interface AgentRecord {
  readonly id: AgentId;
  /** null while only its work is known, not its joining. */
  info: AgentInfo | null;
  presence: 'alive' | 'left' | 'lost';
  /** null before it joined. */
  joinedAt: number | null;
  /** Latest time that it told of. */
  lastToldAt: number | null;
  /** Seconds of its ended attempts. */
  attemptSeconds: number;
  readonly conduct: Conduct;
  /** When it left, was lost or was quarantined; null while it serves. */
  goneAt: number | null;
  /** How its workspace differs from the run's, as far as that matters to this run. */
  differences: Differences;
  /** Why it could not serve the run at all; null for one that could. */
  unfit: { readonly why: UnfitCause; readonly problem: string; readonly host: string; readonly fingerprint: Fingerprint } | null;
  /** Its own account, told when it left. */
  left: {
    readonly busySeconds: number;
    readonly idleSeconds: number;
    readonly peakRssBytes: number;
    readonly cpuSeconds: number | null;
  } | null;
}

/** An error that only one agent reported so far. */
export interface Doubt {
  /** A planned file, or a directory or conftest above planned files. */
  readonly file: TestFile;
  readonly agent: AgentId;
  /** Its attempts that reported the error: they ran nothing of the file, through no fault of the shard's. */
  readonly attempts: Set<AttemptRecord>;
  /** The shard of the first of them. */
  readonly shard: ShardId;
  readonly rechecks: AttemptRecord[];
}

/** A file of which nothing was told yet. */
export const newProgress = (file: TestFile, selectors: readonly Selector[]): FileProgress => ({
  file,
  selectors,
  tests: new Map(),
  serial: new Set(),
  mayBackUp: true,
  openTests: 0,
  collectSeconds: null,
  collectFailed: false,
  collectedIn: new Map(),
  failedIn: new Set(),
});

export function plannedFiles(shard: Shard): Map<TestFile, FileProgress> {
  const files = new Map<TestFile, FileProgress>();
  for (const [file, selectors] of Map.groupBy(shard.selectors, (selector) => selector.file)) files.set(file, newProgress(file, selectors));
  return files;
}

/** Was this planned file never collected, nor failed to? What it holds is not known then. */
export const isUncollected = (progress: FileProgress): boolean =>
  progress.selectors.length > 0 && progress.collectSeconds === null && !progress.collectFailed;

export function allAttemptsOf(record: ShardRecord): readonly AttemptRecord[] {
  return record.state.kind === 'planned' ? [] : record.state.attempts;
}

/** A shard's attempts in the order they were enqueued, but for reruns of failed tests; empty before the first. */
export const attemptsOf = (record: ShardRecord): readonly AttemptRecord[] => allAttemptsOf(record).filter(({ role }) => role !== 'rerun');

/** Is no attempt of this shard on its way? */
export const hasEnded = (record: ShardRecord): boolean => attemptsOf(record).every((attempt) => attempt.state.kind === 'ended');
