// What the agent loop needs from the world: runs to join, and an engine that runs shards.

import type { AttemptEnding, AttemptRequest } from '../shared/domain/attempt.ts';
import type { ControlCommand } from '../shared/domain/control.ts';
import type { CoverageOrigin, CoveragePart } from '../shared/domain/coverage.ts';
import type { AgentInfo, AttemptEvent, RunEvent } from '../shared/domain/events.ts';
import type { PythonPrint } from '../shared/domain/fingerprint.ts';
import type { AgentId, AttemptId } from '../shared/domain/ids.ts';
import type { RunSpec } from '../shared/domain/run-spec.ts';
import type { Shown } from '../shared/domain/shown.ts';
import type { HowToCollect, SuiteList } from '../shared/domain/suite-list.ts';
import type { ClaimNumbers } from './worker-numbers.ts';

/** The pool as an agent sees it. */
export interface PoolMember {
  /** Waits for an open run of the pool that this agent has not left; null when `signal` aborts. */
  nextRun(signal: AbortSignal): Promise<RunSpec | null>;
  join(spec: RunSpec): Promise<JoinedRun>;
}

/** One run as an agent serves it. */
export interface JoinedRun {
  /** Appends to the run's stream, in order, each event exactly once however often the connection breaks; resolves when all is stored. */
  append(events: readonly RunEvent[]): Promise<void>;
  /**
   * Pulls attempts while there is a free slot and calls `serve` for each; the queue is told that an attempt is over only after `serve` resolved.
   * Resolves when `signal` has aborted and every `serve` has settled. `slots` may be called again at any time to change the number.
   */
  pull(slots: () => number, serve: (attempt: AttemptRequest) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** What the coordinator tells, from the first command on; ends when `signal` aborts. A run whose keys are gone yields `close-run`. */
  commands(signal: AbortSignal): AsyncIterable<ControlCommand>;
  /** Do attempts wait in the queue? */
  isMoreWaiting(): Promise<boolean>;
  /** Takes `count` numbers in a row from a counter of the run, none below `floor`; resolves with the first. No two callers get the same. */
  claimNumbers(counter: string, count: number, floor: number): Promise<number>;
  /** Milliseconds since the epoch by the clock that coordinator and agents agree by. */
  serverNow(): Promise<number>;
  /** Stores a compressed data file of coverage under its number, which is the agent's to choose. A run that is over takes nothing. */
  storeCoverage(part: number, data: Uint8Array): Promise<CoveragePart>;
  /** Hands back attempts that were fetched and not begun, and releases the connections. */
  leave(): Promise<void>;
}

/** What pytest-cov left in a directory when one pytest had ended: all that is measured of `attempts`, and not all of `lost`. */
export interface MeasuredCoverage {
  readonly directory: string;
  readonly origin: CoverageOrigin;
  readonly attempts: readonly AttemptId[];
  readonly lost: readonly AttemptId[];
}

/** Starts sessions: one long-lived `pytest -n` that is fed with shards. */
export interface Engine {
  open(request: SessionRequest): Promise<Session>;
}

/** The run ended, or the agent is to leave, before its session was open. */
export class RunOver extends Error {}

export interface SessionRequest {
  readonly agent: AgentId;
  readonly spec: RunSpec;
  readonly workspace: string;
  readonly python: string;
  /** Aborts when the session is not wanted any more before it is open: `open` then throws `RunOver`. */
  readonly ending: AbortSignal;
  /** How the suite is collected, as soon as the coordinator knows. */
  readonly collect: Promise<HowToCollect>;
  /** Receives what this pytest is, before anything is collected. */
  readonly started: (info: Session['info']) => void;
  /** Receives the whole list, where the session collects it. */
  readonly listed: (list: SuiteList) => void;
  /** Receives what showed that the files of the suite depend on each other. */
  readonly inseparable: (why: string, lacksModules: boolean) => void;
  /** Receives what pytest says of paths or options that it refuses. */
  readonly refused: (message: string) => void;
  /** What pytest's environment has beside our own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** `auto`, or a number of xdist workers. */
  readonly numprocesses: string;
  /** null while what pytest tells can be taken; else resolves when it can be again: until then pytest is to wait. */
  readonly room: () => Promise<void> | null;
  /** Do attempts wait in the queue? Rejects where Redis does not say. */
  readonly isMoreWaiting: () => Promise<boolean>;
  readonly claimNumbers: ClaimNumbers;
  /** Takes what one pytest measured, before its directory is removed; null where pytest-cov is left alone. */
  readonly keepCoverage: ((measured: MeasuredCoverage) => Promise<void>) | null;
  /** Takes what pytest shows besides results, bit by bit. */
  readonly show?: (shown: Shown) => void;
  /** Upper limit for `auto` by the CPU and memory limits of this machine or container. */
  readonly maxAutoWorkers: number;
}

/** One engine at work for one run. Whoever opened it closes it; after `close` no process of it is left. */
export interface Session {
  /** Room for shards: one per xdist worker, and some that wait here. */
  readonly slots: number;
  /** xdist workers of each pytest that this session starts, the versions found, and what is installed beside them. */
  readonly info: Pick<AgentInfo, 'workers' | 'python' | 'pytest' | 'xdist'> & { readonly installed: PythonPrint };
  /** Runs one attempt, telling what happens as it happens. Never rejects for what a suite can do: that is an ending. `interrupt` stops it early. */
  run(attempt: AttemptRequest, tell: (event: AttemptEvent) => void, interrupt: AbortSignal): Promise<AttemptEnding>;
  /** Largest resident memory seen of all its processes together, in bytes. */
  peakRssBytes(): number;
  /** Processor time of all its xdist workers so far and what they waited for, each up to the end of its last test. */
  cpuSeconds(): number;
  close(): Promise<void>;
}
