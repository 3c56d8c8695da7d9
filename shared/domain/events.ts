// The events that agents send to the coordinator: an append-only, versioned stream. Reducing these events gives the whole state of a run.

import type { AttemptEnding, AttemptRole } from './attempt.ts';
import type { KeptCoverage } from './coverage.ts';
import type { AgentId, AttemptId, NodeId, ShardId, TestFile } from './ids.ts';
import type { TestNeeds } from './needs.ts';
import type { Outcome } from './outcome.ts';
import type { CountedWarning, Property, Shown } from './shown.ts';
import type { Fingerprint } from './suite/fingerprint.ts';
import type { Inseparable, SuiteList } from './suite/suite-list.ts';

/** The facts about one agent, sent when it joins a run. `workers` is its number of xdist workers (0 until its first session is open). */
export interface AgentInfo {
  readonly id: AgentId;
  readonly host: string;
  readonly pid: number;
  readonly workers: number;
  readonly python: string;
  readonly pytest: string;
  readonly xdist: string;
  /** PYTHONHASHSEED in its environment; null when it is unset, and each new interpreter takes a random one. */
  readonly hashSeed: string | null;
  /** Whether the run itself started it, in the run's own workspace. */
  readonly isLocal: boolean;
  readonly fingerprint: Fingerprint;
  /** Sorted; absent without any, and from an agent of an earlier version. */
  readonly labels?: readonly string[];
}

/**
 * One test's final result in one attempt. `seconds` sums its phases; `setupSeconds` and `teardownSeconds` are parts of it. `message` is the
 * traceback (capped), `brief` pytest's one-line summary of it; null when there is none.
 */
export interface TestResult {
  readonly nodeid: NodeId;
  readonly file: TestFile;
  readonly line: number | null;
  readonly outcome: Outcome;
  readonly startedAt: number;
  readonly seconds: number;
  readonly setupSeconds: number;
  /** Absent in events of an earlier version, like the optional fields below. */
  readonly teardownSeconds?: number;
  readonly worker: string;
  /** Whether the xdist worker died while it ran the test. The message then has the known details. */
  readonly isCrash: boolean;
  readonly message: string | null;
  readonly brief: string | null;
  readonly sections: readonly TestSection[];
  /** Absent when there are none. */
  readonly warnings?: readonly CountedWarning[];
  readonly properties?: readonly Property[];
}

/** Captured output of a test that did not pass: pytest's own section title and text (capped). */
export interface TestSection {
  readonly title: string;
  readonly text: string;
}

/** A collection error. `nodeid` names the file or the class that pytest could not collect; `message` is pytest's traceback (capped). */
export interface CollectError {
  readonly nodeid: NodeId;
  readonly message: string;
}

/** An event of a running shard. Times are milliseconds since the epoch; on a run's stream they follow the agreed clock (agreed-time.ts). */
export type AttemptEvent =
  | {
      readonly kind: 'collected';
      readonly at: number;
      readonly file: TestFile;
      readonly nodeids: readonly NodeId[];
      /** The tests among `nodeids` that are postponed because they must run alone. */
      readonly serial: readonly NodeId[];
      /** What tests among `nodeids` need. Those that need more than the attempt has are postponed. Absent if no test needs anything. */
      readonly needs?: readonly TestNeeds[];
      /** Whether the file may run twice at the same time: none of its tests is marked `no_speculation`. */
      readonly mayBackUp: boolean;
      /** See `FileCensus`; null when it was not taken. */
      readonly digest: string | null;
      readonly seconds: number;
      readonly worker: string;
    }
  | { readonly kind: 'collect-failed'; readonly at: number; readonly file: TestFile; readonly errors: readonly CollectError[] }
  | { readonly kind: 'test-started'; readonly at: number; readonly nodeid: NodeId; readonly worker: string }
  | { readonly kind: 'test-finished'; readonly at: number; readonly result: TestResult };

export interface SessionEnding {
  /** What failed after the last test, with pytest's output; null if nothing did. No file caused it. */
  readonly problem: string | null;
  /** Whether a session without tests became a success. */
  readonly acceptsNoTests: boolean;
}

export const unfitCauses = ['fingerprint', 'workspace', 'arguments', 'not-started'] as const;
export type UnfitCause = (typeof unfitCauses)[number];

/** Every event on a run's stream. */
export type RunEvent =
  | { readonly kind: 'agent-joined'; readonly at: number; readonly agent: AgentInfo }
  | {
      readonly kind: 'agent-left';
      readonly at: number;
      readonly agent: AgentId;
      readonly busySeconds: number;
      readonly idleSeconds: number;
      readonly peakRssBytes: number;
      /** Processor time of the xdist workers and of the processes they waited for; null from an agent that does not measure it. */
      readonly cpuSeconds: number | null;
    }
  /** The agent takes no more attempts, finishes what it runs, and leaves. */
  | { readonly kind: 'agent-draining'; readonly at: number; readonly agent: AgentId }
  /** The agent's xdist workers have collected the whole list. `groups` is empty when the coordinator already has a list with this hash. */
  | { readonly kind: 'suite-listed'; readonly at: number; readonly agent: AgentId; readonly list: SuiteList }
  | ({ readonly kind: 'suite-inseparable'; readonly at: number; readonly agent: AgentId } & Inseparable)
  /** pytest rejected the run's paths or options. */
  | { readonly kind: 'suite-refused'; readonly at: number; readonly agent: AgentId; readonly message: string }
  /**
   * An agent cannot serve the run, because its workspace differs from the run's or its pytest does not start. It has run nothing and has
   * left.
   */
  | {
      readonly kind: 'agent-unfit';
      readonly at: number;
      readonly agent: AgentId;
      readonly host: string;
      readonly why: UnfitCause;
      readonly problem: string;
      readonly fingerprint: Fingerprint;
    }
  /** One pytest has ended, and its coverage is in Redis. */
  | { readonly kind: 'coverage-kept'; readonly at: number; readonly coverage: KeptCoverage }
  /** The output that this agent's pytest has shown besides results since the last event of this kind. */
  | { readonly kind: 'session-shown'; readonly at: number; readonly agent: AgentId; readonly shown: Shown }
  /** Hooks of the suite changed the exit code of this agent's pytest at the end of its session. */
  | ({ readonly kind: 'session-ended'; readonly at: number; readonly agent: AgentId } & SessionEnding)
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
      readonly kind: 'attempt-reported';
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

/** The kinds of events on a run's stream; the type makes sure that none is missing. */
const onStream: Readonly<Record<RunEvent['kind'], true>> = {
  'agent-draining': true,
  'agent-joined': true,
  'agent-left': true,
  'agent-unfit': true,
  'attempt-ended': true,
  'attempt-started': true,
  'attempt-reported': true,
  'coverage-kept': true,
  'session-ended': true,
  'session-shown': true,
  'suite-inseparable': true,
  'suite-listed': true,
  'suite-refused': true,
};

/** Whether an event of this kind comes from an agent, over the stream. */
export const isRunEventKind = (kind: string): kind is RunEvent['kind'] => Object.hasOwn(onStream, kind);
