// The agent loop's ports: a pool with runs to join, and an engine that runs shards.

import type { AttemptEnding, AttemptRequest } from '../shared/domain/attempt.ts';
import type { ControlCommand } from '../shared/domain/control.ts';
import type { CoverageOrigin, CoveragePart } from '../shared/domain/coverage.ts';
import type { AgentInfo, AttemptEvent, RunEvent, SessionEnding } from '../shared/domain/events.ts';
import type { AgentId, AttemptId } from '../shared/domain/ids.ts';
import type { LeasedUnits } from '../shared/domain/leased-units.ts';
import type { RunSpec } from '../shared/domain/run-spec.ts';
import type { Shown } from '../shared/domain/shown.ts';
import type { PythonPrint } from '../shared/domain/suite/fingerprint.ts';
import type { HowToCollect, Inseparable, SuiteList } from '../shared/domain/suite/suite-list.ts';
import type { OtherUser } from '../shared/system/other-user.ts';
import type { ClaimNumbers } from './worker-numbers.ts';

/** The pool, as an agent sees it. */
export interface PoolMember {
  /** Waits for an open run of the pool that this agent has not joined yet. Returns null when `signal` aborts. */
  nextRun(signal: AbortSignal): Promise<RunSpec | null>;
  join(spec: RunSpec): Promise<JoinedRun>;
}

/** The directories in which this agent runs tests. */
export interface Workspaces {
  /**
   * Gives a run a directory with its files, which no other run with other files has until it is disposed of. Throws a ShardlineError that
   * says why this agent has none, and `RunOver` when `signal` aborts.
   */
  open(spec: RunSpec, signal: AbortSignal): Promise<OpenWorkspace>;
}

export interface OpenWorkspace extends AsyncDisposable {
  readonly directory: string;
  /** The interpreter that runs pytest there. */
  readonly python: string;
}

/** The right to hold one attempt. `free` ends it; a second call changes nothing. */
export interface Slot {
  free(): void;
  /**
   * Resolves with true when no other run has a slot; none gets one until this one is free. Resolves with false when `signal` aborts or the
   * run has left. Call it before the attempt begins.
   */
  alone(signal: AbortSignal): Promise<boolean>;
}

/** The slots of the machine, as the pull of one run takes them. */
export interface SharedSlots {
  /** Resolves with a slot when it is this run's turn; with null when `signal` aborts or the run has left. */
  take(signal: AbortSignal): Promise<Slot | null>;
  /** Takes a slot at once, for an attempt that the run has already. */
  add(): Slot;
  /** Whether the agent serves other runs too. Then a pull takes a slot before it fetches an attempt. */
  isShared(): boolean;
}

/** One run, as an agent serves it. */
export interface JoinedRun {
  /** Appends to the run's stream in order and exactly once, even if the connection breaks. Resolves when all events are stored. */
  append(events: readonly RunEvent[]): Promise<void>;
  /**
   * Pulls attempts while a slot is free and calls `serve` for each. Completes an attempt's job only after `serve` has resolved. Resolves
   * when `signal` has aborted and every `serve` has settled. It calls `slots` repeatedly, so the number may change. With `shared`, it
   * fetches an attempt only when it has a slot for it, whatever its queue.
   */
  pull(
    slots: () => number,
    serve: (attempt: AttemptRequest) => Promise<void>,
    signal: AbortSignal,
    shared?: SharedSlots | null,
  ): Promise<void>;
  /** The coordinator's commands from the first one on, until `signal` aborts. Yields `close-run` if the run's keys are gone. */
  commands(signal: AbortSignal): AsyncIterable<ControlCommand>;
  /** Whether attempts wait in the queue. */
  isMoreWaiting(): Promise<boolean>;
  /**
   * Takes `count` consecutive numbers, none below `floor`, from a counter of the run. Resolves with the first. No two callers get the same
   * number.
   */
  claimNumbers(counter: string, count: number, floor: number): Promise<number>;
  /** Milliseconds since the epoch by the clock that coordinator and agents share. */
  serverNow(): Promise<number>;
  /**
   * The units of resources that this run may use; null if it shares them with no other run. Throws `units-unreadable`, and rejects with
   * another error when Redis does not answer.
   */
  leasedUnits(): Promise<LeasedUnits | null>;
  /** Milliseconds since Redis last took a sign of life of this agent. */
  silenceMs(): number;
  /** Stores one compressed coverage data file under a number that the agent chooses. A run that is over stores nothing. */
  storeCoverage(part: number, data: Uint8Array): Promise<CoveragePart>;
  /** Hands back attempts that were fetched but not begun, and releases the connections. */
  leave(): Promise<void>;
}

/** The data that pytest-cov left in a directory when one pytest had ended: complete for `attempts`, incomplete for `lost`. */
export interface MeasuredCoverage {
  readonly directory: string;
  readonly origin: CoverageOrigin;
  /** The user to which the files belong; null for the agent's own. */
  readonly user?: OtherUser | null;
  readonly attempts: readonly AttemptId[];
  readonly lost: readonly AttemptId[];
}

/** Opens sessions: one long-lived `pytest -n` process that is fed with shards. */
export interface Engine {
  open(request: SessionRequest): Promise<Session>;
}

/** The run ended, or the agent had to leave, before its session was open. */
export class RunOver extends Error {}

export interface SessionRequest {
  readonly agent: AgentId;
  readonly spec: RunSpec;
  readonly workspace: string;
  readonly python: string;
  /** Aborts when the session is no longer needed before it is open; `open` then throws `RunOver`. */
  readonly ending: AbortSignal;
  /** How to collect the suite. Resolves when the coordinator has decided. */
  readonly collect: Promise<HowToCollect>;
  /** Receives the facts about this pytest before it collects anything. */
  readonly started: (info: Session['info']) => void;
  /** Receives the whole list of tests, if the session collects it. */
  readonly listed: (list: SuiteList) => void;
  /** Receives why the files of the suite depend on each other. */
  readonly inseparable: (found: Inseparable) => void;
  /** Receives pytest's message when it rejects paths or options. */
  readonly refused: (message: string) => void;
  /** The user that runs pytest; null for the agent's own. */
  readonly user?: OtherUser | null;
  /** Variables added to this process's environment for pytest. */
  readonly environment?: Readonly<Record<string, string>>;
  /** `auto`, or a number of xdist workers. */
  readonly numprocesses: string;
  /** null while the agent can take more messages from pytest. Otherwise resolves when it can again; pytest waits until then. */
  readonly room: () => Promise<void> | null;
  /** Whether attempts wait in the queue. Rejects when Redis does not answer. */
  readonly isMoreWaiting: () => Promise<boolean>;
  readonly claimNumbers: ClaimNumbers;
  /** The labels of this agent; null to run every test, whatever it needs. */
  readonly labels: readonly string[] | null;
  /** Takes the coverage of one pytest before its directory is removed; null when shardline leaves pytest-cov alone. */
  readonly keepCoverage: ((measured: MeasuredCoverage) => Promise<void>) | null;
  /** Takes what pytest shows besides results, piece by piece. */
  readonly show?: (shown: Shown) => void;
  /** Receives how hooks of the suite changed the exit code of a session. */
  readonly ended?: (ending: SessionEnding) => void;
  /** Upper limit for `auto`, from the CPU and memory limits of this machine or container. */
  readonly maxAutoWorkers: number;
}

/** An engine at work for one run. The caller that opened it closes it; `close` leaves no process of it behind. */
export interface Session {
  /** Room for shards: one slot per xdist worker, and some for attempts that wait in the agent. */
  readonly slots: number;
  /** The number of xdist workers of each pytest in this session, the versions found, and the packages installed beside them. */
  readonly info: Pick<AgentInfo, 'workers' | 'python' | 'pytest' | 'xdist'> & { readonly installed: PythonPrint };
  /**
   * Runs one attempt and passes its events to `emit` as they happen. A failure that the suite causes becomes an ending, never a rejection.
   * `interrupt` stops the attempt early. `recall` stops it only if no xdist worker has begun it.
   */
  run(attempt: AttemptRequest, emit: (event: AttemptEvent) => void, interrupt: AbortSignal, recall?: AbortSignal): Promise<AttemptEnding>;
  /** Peak resident memory of all its processes together, in bytes. */
  peakRssBytes(): number;
  /**
   * Processor time of all its xdist workers and of the processes they waited for, in seconds; each worker counts up to the end of its last
   * test.
   */
  cpuSeconds(): number;
  close(): Promise<void>;
}
