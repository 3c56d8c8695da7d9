// `report.json`, schema 1: the whole result of a run. Public interface; see docs/report.md.

import type { ReportedCoverage } from './coverage.ts';
import type { AgentId, NodeId, RunId, ShardId, TestFile } from './ids.ts';
import type { NotRunReason, Outcome, Verdict } from './outcome.ts';
import type { Measure } from './targets.ts';

export interface Report {
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
    readonly met: boolean;
    readonly overshootSeconds: number;
  } | null;
  readonly totals: Totals;
  readonly tests: readonly ReportedTest[];
  readonly notRun: readonly NotRun[];
  readonly collectErrors: readonly { readonly file: TestFile; readonly message: string }[];
  readonly shards: readonly ReportedShard[];
  readonly agents: readonly ReportedAgent[];
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
  readonly notRun: number;
  readonly duplicatesDropped: number;
}

export interface ReportedTest {
  readonly nodeid: NodeId;
  readonly outcome: Outcome;
  readonly flaky: boolean;
  readonly seconds: number;
  readonly file: TestFile;
  readonly line: number | null;
  readonly attempts: readonly ReportedAttempt[];
}

export interface ReportedAttempt {
  readonly agent: AgentId;
  readonly worker: string;
  readonly startedAt: string;
  readonly seconds: number;
  readonly outcome: Outcome;
  readonly message: string | null;
  readonly sections: readonly { readonly title: string; readonly text: string }[];
}

export interface NotRun {
  readonly nodeid: NodeId | TestFile;
  readonly kind: 'file' | 'test';
  readonly reason: NotRunReason;
  readonly predictedSeconds: number;
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
