// What agents tell the coordinator: an append-only, versioned stream. The state of a run is these events reduced, and nothing else.

import type { AttemptEnding, AttemptRole } from './attempt.ts';
import type { KeptCoverage } from './coverage.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { AgentId, AttemptId, NodeId, ShardId, TestFile } from './ids.ts';
import type { Outcome } from './outcome.ts';
import type { CountedWarning, Property, Shown } from './shown.ts';
import type { SuiteList } from './suite-list.ts';

/** Bumped when a reader of the old form could misread the new one; a newer version is refused with the way to upgrade. */
export const EVENT_VERSION = 4;

/** What one agent is, told when it joins a run. `workers` are xdist workers (0 until its first session is up). */
export interface AgentInfo {
  readonly id: AgentId;
  readonly host: string;
  readonly pid: number;
  readonly workers: number;
  readonly python: string;
  readonly pytest: string;
  readonly xdist: string;
  /** PYTHONHASHSEED in its environment; null where it is unset, and Python takes a random one for each process. */
  readonly hashSeed: string | null;
  /** Did the run itself start it, in the run's own workspace? */
  readonly isLocal: boolean;
  readonly fingerprint: Fingerprint;
}

/** One test's final result in one attempt. `seconds` sums its phases, `setupSeconds` and `teardownSeconds` are parts of them; `message` is its traceback (capped), `brief` pytest's one line of it; null when there is none. */
export interface TestResult {
  readonly nodeid: NodeId;
  readonly file: TestFile;
  readonly line: number | null;
  readonly outcome: Outcome;
  readonly startedAt: number;
  readonly seconds: number;
  readonly setupSeconds: number;
  /** Absent in events of an earlier version, as are the optional fields below. */
  readonly teardownSeconds?: number;
  readonly worker: string;
  /** Did the xdist worker die under it? The message says what is known then. */
  readonly isCrash: boolean;
  readonly message: string | null;
  readonly brief: string | null;
  readonly sections: readonly TestSection[];
  /** Absent where there are none. */
  readonly warnings?: readonly CountedWarning[];
  readonly properties?: readonly Property[];
}

/** Captured output of a test that did not pass: pytest's own section title and text (capped). */
export interface TestSection {
  readonly title: string;
  readonly text: string;
}

/** `nodeid` names what could not be collected: the file, or a class of it. `message` is pytest's traceback (capped). */
export interface CollectError {
  readonly nodeid: NodeId;
  readonly message: string;
}

/** What one shard's execution tells while it runs. Times are milliseconds since the epoch, on a run's stream by the agreed clock (agreed-time.ts). */
export type AttemptEvent =
  | {
      readonly kind: 'collected';
      readonly at: number;
      readonly file: TestFile;
      readonly nodeids: readonly NodeId[];
      /** Those of them that were put off, as they must run alone. */
      readonly serial: readonly NodeId[];
      /** Whether the file may be run twice at a time: none of its tests is marked `no_speculation`. */
      readonly mayBackUp: boolean;
      /** As in `FileCensus`; null where it was not taken. */
      readonly digest: string | null;
      readonly seconds: number;
      readonly worker: string;
    }
  | { readonly kind: 'collect-failed'; readonly at: number; readonly file: TestFile; readonly errors: readonly CollectError[] }
  /** All tests are over, and pytest failed at its session's end: no file's doing. */
  | { readonly kind: 'session-failed'; readonly at: number; readonly message: string }
  | { readonly kind: 'test-started'; readonly at: number; readonly nodeid: NodeId; readonly worker: string }
  | { readonly kind: 'test-finished'; readonly at: number; readonly result: TestResult };

export const unfitCauses = ['fingerprint', 'not-started'] as const;
export type UnfitCause = (typeof unfitCauses)[number];

/** Everything on a run's stream. */
export type RunEvent =
  | { readonly kind: 'agent-joined'; readonly at: number; readonly agent: AgentInfo }
  | {
      readonly kind: 'agent-left';
      readonly at: number;
      readonly agent: AgentId;
      readonly busySeconds: number;
      readonly idleSeconds: number;
      readonly peakRssBytes: number;
      /** Of the xdist workers and what they waited for; null from an agent that does not measure it. */
      readonly cpuSeconds: number | null;
    }
  /** The agent's xdist workers have collected the whole list. `groups` is empty where the coordinator is known to have a list of this hash. */
  | { readonly kind: 'suite-listed'; readonly at: number; readonly agent: AgentId; readonly list: SuiteList }
  /**
   * Something showed that the files of the suite depend on each other: collected one by one they are not what plain pytest collects. `lacksModules`: all that
   * is missing is Python modules that the whole list loads.
   */
  | {
      readonly kind: 'suite-inseparable';
      readonly at: number;
      readonly agent: AgentId;
      readonly why: string;
      readonly lacksModules: boolean;
    }
  /** pytest refuses the run's paths or options. */
  | { readonly kind: 'suite-refused'; readonly at: number; readonly agent: AgentId; readonly message: string }
  /** An agent cannot serve the run: its workspace is not the run's, or its pytest does not start. It has run nothing and has left. */
  | {
      readonly kind: 'agent-unfit';
      readonly at: number;
      readonly agent: AgentId;
      readonly host: string;
      readonly why: UnfitCause;
      readonly problem: string;
      readonly fingerprint: Fingerprint;
    }
  /** One pytest has ended, and what pytest-cov measured in it is in Redis. */
  | { readonly kind: 'coverage-kept'; readonly at: number; readonly coverage: KeptCoverage }
  /** What this agent's pytest showed besides results since the last such event. */
  | { readonly kind: 'session-shown'; readonly at: number; readonly agent: AgentId; readonly shown: Shown }
  | {
      readonly kind: 'attempt-started';
      readonly at: number;
      readonly agent: AgentId;
      readonly attempt: AttemptId;
      readonly shard: ShardId;
      readonly fence: number;
      readonly role: AttemptRole;
    }
  | {
      readonly kind: 'attempt-told';
      readonly agent: AgentId;
      readonly attempt: AttemptId;
      readonly shard: ShardId;
      readonly event: AttemptEvent;
    }
  | {
      readonly kind: 'attempt-ended';
      readonly at: number;
      readonly agent: AgentId;
      readonly attempt: AttemptId;
      readonly shard: ShardId;
      readonly ending: AttemptEnding;
      readonly seconds: number;
    };
