// `report.json`, schema 1: the whole result of a run. Public interface; see docs/report.md.

import type { ReportedCoverage } from './coverage.ts';
import type { Absence } from './fleet/decline.ts';
import type { AgentId, NodeId, RunId, ShardId, TestFile } from './ids.ts';
import type { NotRunReason, Outcome, Verdict } from './outcome.ts';
import type { ReportedPart } from './part.ts';
import type { Property, ReportedShown } from './shown.ts';
import type { FilesPrint, PythonPrint } from './suite/fingerprint.ts';
import type { LastRuns } from './suite/timings.ts';
import type { Measure } from './targets.ts';

export interface Report extends ReportedShown {
  readonly schema: 1;
  readonly runId: RunId;
  readonly verdict: Verdict;
  readonly exitCode: number;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly deadline: {
    readonly seconds: number;
    /** The part of the deadline that is kept for draining and merging. */
    readonly reserveSeconds: number;
    /** Whether every test ran and the report was complete in time. */
    readonly met: boolean;
    readonly overshootSeconds: number;
  } | null;
  readonly totals: Totals;
  readonly tests: readonly ReportedTest[];
  readonly notRun: readonly NotRun[];
  readonly collectErrors: readonly ReportedCollectError[];
  /** Errors at the end of a pytest, after all tests: from a hook of the suite, or from an option such as --max-warnings. */
  readonly sessionErrors: readonly SessionError[];
  /**
   * The number of tracebacks that were cut, with their output, because the run wrote more than a report can hold. 0 in a report of an
   * earlier version.
   */
  readonly textsCut: number;
  readonly shards: readonly ReportedShard[];
  readonly agents: readonly ReportedAgent[];
  /** null in a report of an earlier version. */
  readonly origin: RunOrigin | null;
  /** Usually empty, and so in a report of an earlier version. */
  readonly rejected: readonly Rejection[];
  /** Usually empty, and so in a report of an earlier version. */
  readonly missingMessages: readonly MissingMessages[];
  /** Agents of the pool that did not serve a run which ended without agents; else empty, and so in a report of an earlier version. */
  readonly absent: readonly Absence[];
  /** The fingerprint of the coordinator's workspace; null when none was taken. */
  readonly fingerprint: ReportedFingerprint | null;
  readonly profile: Profile;
  /** null when none was measured, and in a report of an earlier version. */
  readonly coverage: ReportedCoverage | null;
  /** The targets of the run; null without `--targets`. */
  readonly targets: readonly JudgedTarget[] | null;
  /** Tests whose attempts contradict each other; usually empty, and so in a report of an earlier version. */
  readonly conflicts: readonly Conflict[];
  /** null without a baseline. */
  readonly comparison: Comparison | null;
  /** The part of the suite that the run ran; null for all of it. */
  readonly part: ReportedPart | null;
  /** What shows that merged parts are not one whole suite, as messages. Usually empty; always empty if it is not a merge of parts. */
  readonly partProblems: readonly string[];
  /** Results of earlier runs, which are kept with the durations; null if none were kept, and in a report of an earlier version. */
  readonly history: ReportedHistory | null;
  /** In the order in which they began; empty in a merged report. */
  readonly waits: readonly ReportedWait[];
  /** Why the run restarted, and how many results this made void; null when it did not restart. */
  readonly restarted: { readonly why: string; readonly voidTests: number } | null;
}

/** Whether the report merges several runs. They may have run on other machines and at other times, so their times do not compare. */
export const isMerged = ({ runId }: { readonly runId: string }): boolean => runId.startsWith('merged-');

/**
 * `nodeid` names what pytest could not collect: the file or directory itself, a class of the file, or the test after which a teardown
 * failed. `message` is pytest's traceback (capped).
 */
export interface ReportedCollectError {
  readonly file: TestFile;
  readonly nodeid: NodeId;
  readonly message: string;
}

/** `value` is in seconds, bytes, a fraction of 1, or a plain number. null when it was not measured; the target is then missed. */
export interface JudgedTarget {
  readonly target: string;
  readonly measure: Measure;
  readonly value: number | null;
  readonly met: boolean;
}

/** How the suite's results differ from the run that `baseline` names. `vanished` tests have the names of the baseline. */
export interface Comparison {
  readonly baseline: string;
  readonly newFailures: readonly NodeId[];
  readonly fixed: readonly NodeId[];
  readonly stillFailing: readonly NodeId[];
  readonly newlySlow: readonly { readonly nodeid: NodeId; readonly beforeSeconds: number; readonly seconds: number }[];
  readonly added: readonly NodeId[];
  readonly vanished: readonly string[];
}

/**
 * Why a message of an agent does not count. `unreadable`: it is not what this version sends, or exceeds a limit. `other-version`: another
 * version of shardline sent it. `not-joined`: its agent has not joined the run. `not-holding`: its agent does not hold the attempt.
 * `foreign-file`: its file belongs to another shard. `too-many`: the run has too many agents. `repeated`: its agent sent it before.
 * `expired`: the certificate with which its agent signs has expired.
 */
export const rejectionCauses = [
  'unreadable',
  'other-version',
  'not-trusted',
  'not-joined',
  'not-holding',
  'foreign-file',
  'too-many',
  'repeated',
  'expired',
] as const;
export type RejectionCause = (typeof rejectionCauses)[number];

/** Two attempts of a test, without a rerun in between, of which one failed and one did not. Never green. */
export interface Conflict {
  readonly nodeid: NodeId;
  readonly first: { readonly agent: AgentId; readonly outcome: Outcome };
  readonly second: { readonly agent: AgentId; readonly outcome: Outcome };
}

/** How many messages of this sender did not count. `agent` is null if the sender is unknown. */
export interface Rejection {
  readonly agent: AgentId | null;
  readonly why: RejectionCause;
  readonly messages: number;
}

/** How many signed messages of this agent are missing: Redis lost them, or somebody deleted them. Never green. */
export interface MissingMessages {
  readonly agent: AgentId;
  readonly messages: number;
}

/** Where a run comes from, for the people who read its report. */
export interface RunOrigin {
  /** The name of the repository's directory, or of the workspace without one. */
  readonly project: string;
  /** null if git is on no branch and the CI provider names none. */
  readonly branch: string | null;
  /** The command as typed, without passwords in URLs, and cut if it is long. Empty in a merged report. */
  readonly command: string;
  /** The page of the CI job; null outside the known providers. */
  readonly job: string | null;
}

/** At most 100 entries each. */
export interface ReportedHistory {
  /** Tests that failed, passed and failed again in their last runs, or passed only when they ran again; most failures first. */
  readonly unstable: readonly { readonly nodeid: NodeId; readonly lastRuns: LastRuns }[];
  /** The slowest tests of this run. `usualSeconds` is what earlier runs learned; null for a test that they do not know. */
  readonly slowest: readonly { readonly nodeid: NodeId; readonly seconds: number; readonly usualSeconds: number | null }[];
}

export interface Totals {
  readonly expected: number;
  readonly passed: number;
  readonly failed: number;
  readonly error: number;
  readonly skipped: number;
  readonly xfailed: number;
  readonly xpassed: number;
  readonly flaky: number;
  /**
   * The number of tests without an outcome. `notRunIsLeast`: there may be more, in files that were never collected and that no earlier run
   * knew.
   */
  readonly notRun: number;
  readonly notRunIsLeast: boolean;
  readonly duplicatesDropped: number;
}

export interface ReportedTest {
  readonly nodeid: NodeId;
  readonly outcome: Outcome;
  readonly flaky: boolean;
  readonly seconds: number;
  readonly file: TestFile;
  readonly line: number | null;
  /** The properties that `record_property` recorded in the attempt that counts. Absent when there are none. */
  readonly properties?: readonly Property[];
  readonly attempts: readonly ReportedAttempt[];
}

export interface ReportedAttempt {
  readonly agent: AgentId;
  readonly worker: string;
  readonly startedAt: string;
  readonly seconds: number;
  /** Parts of `seconds`; absent in reports of an earlier version. */
  readonly setupSeconds?: number;
  readonly teardownSeconds?: number;
  readonly outcome: Outcome;
  readonly message: string | null;
  /** The line of pytest's short summary about a failure; null without one, and in a report of an earlier version. */
  readonly brief: string | null;
  readonly sections: readonly { readonly title: string; readonly text: string }[];
}

export interface NotRun {
  readonly nodeid: NodeId | TestFile;
  readonly kind: 'file' | 'test';
  /** The number of tests that it stands for; null when unknown. */
  readonly tests: number | null;
  readonly reason: NotRunReason;
  /** With `unmet-needs`, what no agent has; absent otherwise. */
  readonly lacks?: string;
  readonly predictedSeconds: number;
}

/** A shard that was due and waited for an agent with these labels, or for these resources. */
export interface ReportedWait {
  readonly shard: ShardId;
  readonly labels: readonly string[];
  readonly resources: readonly string[];
  readonly startedAt: string;
  readonly seconds: number;
}

export interface SessionError {
  readonly agent: AgentId;
  readonly message: string;
}

export interface ReportedShard {
  readonly id: ShardId;
  readonly selectors: number;
  readonly predictedSeconds: number;
  readonly seconds: number;
  readonly agent: AgentId | null;
  readonly attempt: number;
  readonly state: 'done' | 'lost' | 'split' | 'cancelled';
}

/**
 * `not-started`: its pytest did not start. `refused`: its workspace differs from the run's. `quarantined`: the coordinator removed it
 * because the agent itself was broken.
 */
export const agentEnds = ['left', 'lost', 'quarantined', 'refused', 'not-started'] as const;

export interface ReportedAgent {
  readonly id: AgentId;
  readonly host: string;
  readonly workers: number;
  readonly tests: number;
  readonly busySeconds: number;
  readonly idleSeconds: number;
  readonly peakRssBytes: number;
  /**
   * Processor time of its xdist workers and of the processes they waited for, up to the end of their last tests; null when the agent did
   * not report it.
   */
  readonly cpuSeconds: number | null;
  /** How the agent ended; null when it was still present, and in a report of an earlier version. */
  readonly ended: (typeof agentEnds)[number] | null;
  /** The reason, if it did not leave in order. */
  readonly why: string | null;
  /** null when the agent reported none. */
  readonly fingerprint: ReportedFingerprint | null;
  /** Differences between its workspace and the run's that only cause a warning, as messages; usually empty. */
  readonly differences: readonly string[];
}

/** A fingerprint without the names of ordinary distributions. */
export interface ReportedFingerprint {
  readonly files: FilesPrint | null;
  readonly python: Omit<PythonPrint, 'packages'> | null;
}

export const ratings = ['excellent', 'good', 'fair', 'poor'] as const;

/** The phases of a run's time, in order. docs/report.md defines each. */
export const phases = ['preparation', 'start-up', 'collection', 'execution', 'between', 'lost', 'imbalance', 'ending'] as const;
export type Phase = (typeof phases)[number];
export type Breakdown = Readonly<Record<Phase, { readonly seconds: number; readonly share: number }>>;

export interface Profile {
  readonly setupSeconds: number;
  readonly discoverySeconds: number;
  readonly collectionSeconds: number;
  readonly executionSeconds: number;
  readonly mergeSeconds: number;
  readonly makespanSeconds: number;
  readonly boundSeconds: number;
  readonly efficiency: number;
  readonly cpuUtilization: number | null;
  readonly timeToFirstTestSeconds: number | null;
  readonly sequentialSeconds: number;
  readonly speedup: number;
  /** The mean of the tests that ran; null when none did. */
  readonly secondsPerTest: number | null;
  /** null in a report of an earlier version. */
  readonly breakdown: Breakdown | null;
  readonly rating: (typeof ratings)[number];
}
