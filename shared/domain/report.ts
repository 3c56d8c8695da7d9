// `report.json`, schema 1: the whole result of a run. Public interface; see docs/report.md.

import type { ReportedCoverage } from './coverage.ts';
import type { FilesPrint, PythonPrint } from './fingerprint.ts';
import type { AgentId, NodeId, RunId, ShardId, TestFile } from './ids.ts';
import type { NotRunReason, Outcome, Verdict } from './outcome.ts';
import type { Property, ReportedShown } from './shown.ts';
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
    /** Kept at its end for draining and merging. */
    readonly reserveSeconds: number;
    /** Did every test run, and the report stand in time? */
    readonly met: boolean;
    readonly overshootSeconds: number;
  } | null;
  readonly totals: Totals;
  readonly tests: readonly ReportedTest[];
  readonly notRun: readonly NotRun[];
  readonly collectErrors: readonly ReportedCollectError[];
  /** What made a pytest fail at its end, after all tests: a hook of the suite, or an option such as --max-warnings. */
  readonly sessionErrors: readonly SessionError[];
  /** How many tracebacks, with their output, were cut because the run wrote more than a report can hold; 0 in a report of an earlier version. */
  readonly textsCut: number;
  readonly shards: readonly ReportedShard[];
  readonly agents: readonly ReportedAgent[];
  /** Of the coordinator's workspace; null where none was taken. */
  readonly fingerprint: ReportedFingerprint | null;
  readonly profile: Profile;
  /** null where none was measured, or by an earlier version. */
  readonly coverage: ReportedCoverage | null;
  /** What the run was asked to reach; null without `--targets`. */
  readonly targets: readonly JudgedTarget[] | null;
  /** null without a baseline. */
  readonly comparison: Comparison | null;
  /** Why the run began anew, and how many results were void then; null where it did not. */
  readonly restarted: { readonly why: string; readonly voidTests: number } | null;
}

/** `nodeid` names what could not be collected: the file or directory itself, or a class of the file; or the test after which a teardown failed. `message` is pytest's traceback (capped). */
export interface ReportedCollectError {
  readonly file: TestFile;
  readonly nodeid: NodeId;
  readonly message: string;
}

/** `value` in seconds, bytes, a share of 1 or a plain number; null where it was not measured, and then missed. */
export interface JudgedTarget {
  readonly target: string;
  readonly measure: Measure;
  readonly value: number | null;
  readonly met: boolean;
}

/** What became of a suite since the run that `baseline` names. `vanished` are named as the baseline names them. */
export interface Comparison {
  readonly baseline: string;
  readonly newFailures: readonly NodeId[];
  readonly fixed: readonly NodeId[];
  readonly stillFailing: readonly NodeId[];
  readonly newlySlow: readonly { readonly nodeid: NodeId; readonly beforeSeconds: number; readonly seconds: number }[];
  readonly added: readonly NodeId[];
  readonly vanished: readonly string[];
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
  /** Tests without an outcome, and whether there may be more: some are in files that nobody collected and no earlier run knew. */
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
  /** What `record_property` recorded in the attempt that counts. Absent where nothing was. */
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
  /** What pytest's short summary says of a failure; null where it says nothing, and in a report of an earlier version. */
  readonly brief: string | null;
  readonly sections: readonly { readonly title: string; readonly text: string }[];
}

export interface NotRun {
  readonly nodeid: NodeId | TestFile;
  readonly kind: 'file' | 'test';
  /** How many tests it stands for; null where nobody knows. */
  readonly tests: number | null;
  readonly reason: NotRunReason;
  readonly predictedSeconds: number;
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

/** `not-started`: its pytest never came up. `refused`: its workspace is not the run's. `quarantined`: it was taken out, as it was broken itself. */
export const agentEnds = ['left', 'lost', 'quarantined', 'refused', 'not-started'] as const;

export interface ReportedAgent {
  readonly id: AgentId;
  readonly host: string;
  readonly workers: number;
  readonly tests: number;
  readonly busySeconds: number;
  readonly idleSeconds: number;
  readonly peakRssBytes: number;
  /** Processor time of its xdist workers and what they waited for, up to the end of their last tests; null when it gave no account. */
  readonly cpuSeconds: number | null;
  /** How it ended; null for one that was still there, and in a report of an earlier version. */
  readonly ended: (typeof agentEnds)[number] | null;
  /** In words, where it did not leave in order. */
  readonly why: string | null;
  /** null from an agent that reported none. */
  readonly fingerprint: ReportedFingerprint | null;
  /** How its workspace differs from the run's where that is no reason to refuse it, in words; mostly empty. */
  readonly differences: readonly string[];
}

/** A fingerprint without the names of ordinary distributions. */
export interface ReportedFingerprint {
  readonly files: FilesPrint | null;
  readonly python: Omit<PythonPrint, 'packages'> | null;
}

export const ratings = ['excellent', 'good', 'fair', 'poor'] as const;

/** What a run's time was made of, in order; docs/report.md says what each is. */
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
  /** Mean of the tests that ran; null when none did. */
  readonly secondsPerTest: number | null;
  /** null in a report of an earlier version. */
  readonly breakdown: Breakdown | null;
  readonly rating: (typeof ratings)[number];
}
