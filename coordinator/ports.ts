// What the run loop needs from the world. Adapters under redis/ and discovery/ implement these; a command's composition root joins them.

import type { AttemptRequest } from '../shared/domain/attempt.ts';
import type { Census } from '../shared/domain/census.ts';
import type { ControlCommand } from '../shared/domain/control.ts';
import type { CoverageOptions, CoveragePart } from '../shared/domain/coverage.ts';
import type { RunEvent } from '../shared/domain/events.ts';
import type { PythonPrint } from '../shared/domain/fingerprint.ts';
import type { AgentId, AttemptId, RunId, TestFile } from '../shared/domain/ids.ts';
import type { FoundCache } from '../shared/domain/pytest-cache.ts';
import type { RunSpec } from '../shared/domain/run-spec.ts';
import type { History } from '../shared/domain/timings.ts';
import type { DiscoveredFile } from './core/plan/discovered-file.ts';

/** Where runs are announced. */
export interface Pools {
  /**
   * Announces the run to the pool's agents, and takes it over from whoever coordinated it. `earlier` resolves with the attempts that one enqueued: it is
   * called when that one can enqueue no more. Every key has a life span.
   */
  openRun(spec: RunSpec, earlier?: () => Promise<readonly AttemptId[]>): Promise<RunChannel>;
  /** Milliseconds since the epoch by the clock that coordinator and agents agree by. */
  serverNow(): Promise<number>;
  /** Agents of the pool that are alive now, whether or not they serve a run; for the plan. */
  aliveAgents(pool: string): Promise<readonly AgentId[]>;
}

/** One open run: shards out, events in. Every method throws `taken-over` once another coordinator has the run, and has then changed nothing. */
export interface RunChannel {
  readonly runId: RunId;
  /** Hands out attempts in the given order. Idempotent: an attempt id that is already known is not enqueued twice. */
  enqueue(attempts: readonly AttemptRequest[]): Promise<void>;
  /** Did the run exist before it was opened? */
  readonly isFound: boolean;
  /** Every event of the run after the entry `from` (`0` for all), entry by entry, in order, until `signal` aborts (then it ends without an error). */
  events(from: string, signal: AbortSignal): AsyncIterable<readonly StreamedEvents[]>;
  /** Only asks whether the run is still ours. */
  confirm(): Promise<void>;
  /** Tells every agent of the run. */
  tell(command: ControlCommand): Promise<void>;
  /** Who is there and what they are at. `emptied` is told once; whatever is enqueued after `announce` is in the run as it is then. */
  presence(): Promise<Presence>;
  /**
   * Which of these agents are connected at this moment; null when that says nothing of who is alive: the account may not ask, or all connections were
   * just broken. An agent is seen here only where its own account may listen.
   */
  connected(agents: readonly AgentId[]): Promise<ReadonlySet<AgentId> | null>;
  /** Takes a data file of coverage out of the run, compressed as its agent sent it; null where Redis does not have it, or not all. */
  takeCoverage(agent: AgentId, part: CoveragePart): Promise<Uint8Array | null>;
  /** Announces the run again, after Redis has lost it. */
  announce(): Promise<void>;
  /** Takes the run out of the pool and deletes its keys, unless it was taken over. The agents that served it move on. Again: the same end. */
  close(): Promise<void>;
}

/** What came in one entry of the run's stream. */
export interface StreamedEvents {
  readonly position: string;
  readonly events: readonly RunEvent[];
}

/**
 * `here`: the run is as we left it. `emptied`: Redis has lost it, or is back at an earlier state of it. `unknown`: it is being announced again.
 */
export type Presence =
  | {
      readonly kind: 'here';
      readonly alive: readonly AgentId[];
      /** Attempts that wait to be fetched. */
      readonly waiting: ReadonlySet<AttemptId>;
      /** Attempts that were fetched and not ended, with the agent that fetched them. */
      readonly taken: readonly { readonly attempt: AttemptId; readonly agent: AgentId }[];
      /** Which attempts each agent is serving, as it said last. */
      readonly holding: ReadonlyMap<AgentId, readonly AttemptId[]>;
    }
  /** `isMissing`: nothing of it is there. */
  | { readonly kind: 'emptied'; readonly isMissing: boolean }
  | { readonly kind: 'unknown' };

/** Durations from earlier runs. */
export interface TimingStore {
  load(): Promise<History>;
  /** Adds what one run measured: the new value of each file, averaged with history by core; of starts where it is not null. */
  save(history: History): Promise<void>;
}

/** What earlier runs have shown of whole suites, by key. */
export interface CensusStore {
  /** null where nothing is known under this key. */
  load(key: string): Promise<Census | null>;
  save(key: string, census: Census): Promise<void>;
}
/** Called with how many entries of `source` cannot be used and were dropped: durations change no outcome, so that is never fatal. */
export type OnDropped = (dropped: number, source: string) => void;

/** What pytest would collect, file by file, without importing any test module. */
export interface Discovery {
  discover(request: DiscoveryRequest, signal: AbortSignal): Promise<DiscoveredSuite>;
}

export interface DiscoveryRequest {
  readonly workspace: string;
  readonly python: string;
  /** The user's paths and pytest arguments, exactly as plain pytest would get them. */
  readonly pytestArgs: readonly string[];
  /** The mark of tests that run alone, which pytest is to know. */
  readonly serialMarker: string;
}

export interface DiscoveredSuite {
  readonly rootdir: string;
  readonly files: readonly DiscoveredFile[];
  /** Directories whose conftest failed, and the like: what is below them is not known. */
  readonly collectErrors: readonly { readonly file: TestFile; readonly message: string }[];
  /** pytest's own `--maxfail` after ini file and arguments; 0 means no limit. */
  readonly maxfail: number;
  /** xdist's `--dist` after ini file and arguments; `no` where nobody says. */
  readonly dist: string;
  /** The files of each name of a `shard_together` mark and, for `--dist loadgroup`, of each xdist group. */
  readonly together: readonly (readonly TestFile[])[];
  /** Where a `shard_together` mark has no name that can be read without running the file. */
  readonly unclearMarks: readonly { readonly file: TestFile; readonly line: number }[];
  /** Why one session cannot be fed file by file with these options; null when it can. */
  readonly unstreamable: string | null;
  /** Do arguments name single tests? */
  readonly namesTests: boolean;
  /** What a census of this suite is kept under: conftest files, plugins, configuration and options. */
  readonly censusKey: string;
  /** What pytest-cov is asked for; null where nothing is measured. */
  readonly coverage: CoverageOptions | null;
  /** A plugin that switches itself off in xdist workers, the option that asks for its work, and how to run it; null without. */
  readonly idlePlugin?: { readonly plugin: string; readonly option: string; readonly command: string } | null;
  /** pytest's own cache; null with `-p no:cacheprovider`. */
  readonly cache: FoundCache | null;
  /** Of the interpreter that discovered. */
  readonly fingerprint: PythonPrint;
  readonly pytest: string;
  readonly xdist: string;
}
