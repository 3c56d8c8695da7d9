// Defines the ports of the run loop. Adapters under redis/ and discovery/ implement them; a command's composition root joins them.

import type { AttemptRequest, Lane } from '../shared/domain/attempt.ts';
import type { ControlCommand } from '../shared/domain/control.ts';
import type { CoverageOptions, CoveragePart } from '../shared/domain/coverage.ts';
import type { RunEvent } from '../shared/domain/events.ts';
import type { Absence } from '../shared/domain/fleet/decline.ts';
import type { AgentId, AttemptId, RunId, TestFile } from '../shared/domain/ids.ts';
import type { RunUnits, UnitsBook } from '../shared/domain/leased-units.ts';
import type { RejectionCause } from '../shared/domain/report.ts';
import type { RunSpec } from '../shared/domain/run-spec.ts';
import type { Census } from '../shared/domain/suite/census.ts';
import type { PythonPrint } from '../shared/domain/suite/fingerprint.ts';
import type { FoundCache } from '../shared/domain/suite/pytest-cache.ts';
import type { Timings } from '../shared/domain/suite/timings.ts';
import type { ShardlineError } from '../shared/errors.ts';
import type { GroupVerdict } from '../shared/wire/group.ts';
import type { LeaseHolder } from '../shared/wire/lease-holder.ts';
import type { LogRecord } from '../shared/wire/run-log.ts';
import type { AgentKeys } from '../shared/wire/trust/agent-keys.ts';
import type { DiscoveredFile } from './core/plan/discovered-file.ts';
import type { BatchNumber, EventOf, OwnEvent } from './core/state/events.ts';

/** The registry in which agents find runs. */
export interface Pools {
  /**
   * Announces the run to the pool's agents. If it has a coordinator, waits until that one is gone and takes the run over. Every key expires.
   * Throws `run-is-served` if the other coordinator stays, and the reason of the signal.
   */
  openRun(spec: RunSpec, takeOver?: Partial<TakeOver>): Promise<RunChannel>;
  /** Milliseconds since the epoch by the clock of the Redis server, which coordinator and agents of the pool share. */
  serverNow(pool: string): Promise<number>;
  /** Asks the coordinator of a run to end it. false if the run is not open. */
  cancel(run: RunId): Promise<boolean>;
  /** Agents of the pool that are alive now, whether or not they serve a run; used for the plan. */
  aliveAgents(pool: string): Promise<readonly AgentId[]>;
}

/** An attempt that is in a queue, or was. `lane` is null for the queue of all agents. */
export interface EnqueuedAttempt {
  readonly id: AttemptId;
  readonly lane: Lane | null;
}

/** What earlier coordinators of a run have recorded. */
export interface Earlier {
  /** The attempts that they enqueued. */
  readonly attempts: readonly EnqueuedAttempt[];
  /** The keys of its agents. */
  readonly keys: AgentKeys;
}

/** How to take a run over from an earlier coordinator. */
export interface TakeOver {
  /**
   * Called once that coordinator can enqueue no more. `log` is the run's log in Redis, to which it can add nothing more either; null without
   * one.
   */
  readonly earlier: (log: SharedLog | null) => Promise<Earlier>;
  /** Called once if that coordinator may be alive, with the longest time to wait for it. */
  readonly onWait: (holder: LeaseHolder, upToSeconds: number) => void;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Whether the caller knows already that the earlier coordinator is gone, as a CI job that leads does: then looks follow each other faster. */
  readonly isKnownGone: boolean;
}

/**
 * One open run: sends shards, receives events. Every method throws `taken-over`, and changes nothing, once another coordinator has the run.
 */
export interface RunChannel {
  readonly runId: RunId;
  /** Enqueues attempts in the given order. Idempotent: an attempt id that is already known is not enqueued twice. */
  enqueue(attempts: readonly AttemptRequest[]): Promise<void>;
  /** True if the run existed before this coordinator opened it. */
  readonly isFound: boolean;
  /** The number of this coordinator; each one of the run has a higher number than those before it. */
  readonly epoch: number;
  /** The run's log in Redis; null if the run keeps it in a file only. */
  readonly log: SharedLog | null;
  /** What the run shares with other runs of its pool; null if that is nothing. */
  readonly units: UnitsStore | null;
  /** Yields the run's events after the entry `from` (`0` for all), entry by entry, in order. Ends without an error when `signal` aborts. */
  events(from: string, signal: AbortSignal): AsyncIterable<readonly (StreamedEvents | UnreadableEntry)[]>;
  /** Checks that this coordinator still has the run, and keeps it for some seconds. Looks at the presence do the same. */
  confirm(): Promise<void>;
  /** Sends a command to every agent of the run. */
  send(command: ControlCommand): Promise<void>;
  /**
   * Reports which agents are alive and which attempts they hold. Reports `emptied` once; attempts enqueued after `announce` belong to the
   * run as it is then.
   */
  presence(): Promise<Presence>;
  /** The agents of the pool that do not serve this run, by cause, without those that the caller knows. */
  absences(known: ReadonlySet<AgentId>): Promise<readonly Absence[]>;
  /** As `presence`, but does not list the queue, which takes longer the more attempts wait. */
  presenceBesideQueue(): Promise<PresenceOf<null>>;
  /**
   * Which of these agents are connected now. null if the answer proves nothing: the account may not ask, or all connections just broke. An
   * agent is visible here only if its own account may subscribe.
   */
  connected(agents: readonly AgentId[]): Promise<ReadonlySet<AgentId> | null>;
  /** Removes a coverage data file from the run and returns it, compressed as its agent sent it; null if Redis lacks any of its chunks. */
  takeCoverage(agent: AgentId, part: CoveragePart): Promise<Uint8Array | null>;
  /** Announces the run again after Redis has lost it. */
  announce(): Promise<void>;
  /** Removes the run from the pool and deletes its keys, unless another coordinator took it over; its agents move on. Idempotent. */
  close(): Promise<void>;
  /** Stops using the run and leaves it open, for another coordinator. Idempotent; `close` has no effect after it. */
  leave(): Promise<void>;
}

/** What the runs of a pool have claimed of their resources. Every key expires. */
export interface UnitsStore {
  /** `now` is the time of the server's clock, in milliseconds. A text that no coordinator wrote is left out. */
  read(): Promise<{
    readonly version: string;
    readonly now: number;
    readonly book: UnitsBook;
    /** Set if a newer shardline wrote an entry: `book` lacks it, so the units that it holds are not known. */
    readonly unreadable: ShardlineError | null;
  }>;
  /**
   * Replaces what this run has claimed (null: nothing), and removes the runs that are `gone`. Changes nothing and returns false if something
   * was written since `version` was read.
   */
  write(version: string, units: RunUnits | null, gone: readonly RunId[]): Promise<boolean>;
}

/** The events of one entry of the run's stream. */
export interface StreamedEvents {
  readonly kind: 'events';
  readonly position: string;
  /** The batch as its agent sent it. */
  readonly text: string;
  readonly events: readonly RunEvent[];
  /** Absent unless the run requires signatures. */
  readonly from?: BatchNumber;
}

/**
 * An entry of the run's stream that could not be read. `agent` is its sender; null if that is unknown. `from` is its number, and `keyId` names
 * the key of its signature, if that proves the sender.
 */
export interface UnreadableEntry {
  readonly kind: 'unreadable';
  readonly position: string;
  readonly agent: AgentId | null;
  readonly why: RejectionCause;
  readonly problem: string;
  readonly from?: BatchNumber;
  readonly keyId?: string;
}

/** The record of one run, from which its state is rebuilt. */
export interface RunLog {
  /** Appends the records in this order, in one write. Throws `taken-over`, and then appends nothing. */
  append(records: readonly LogRecord[]): Promise<void>;
  /** Yields all records from the start. */
  read(): AsyncIterable<LogRecord>;
  /** True until another coordinator, or another run, has replaced this log with its own. */
  isOurs(): boolean;
  /** Throws `output-not-writable`, also for earlier writes. */
  close(): Promise<void>;
}

/** A run log in Redis. It loses its records when Redis does, and then takes no more: half a log never looks like a whole one. */
export interface SharedLog extends RunLog {
  /** Its last record; null for none. */
  last(): Promise<Pick<LogRecord, 'seq' | 'own'> | null>;
}

/** Records what the run loop takes, in the order in which it takes it. */
export interface Recorder {
  add(event: OwnEvent): void;
  addEntry(entry: StreamEntry): void;
  /** Writes what was added, and returns it. Nothing that follows from it may be sent before. */
  flush(): readonly LogRecord[];
}

/** One entry of the run's stream, as the run loop takes it. */
export interface StreamEntry {
  readonly kind: 'stream-entry';
  /** The batch as its agent sent it. */
  readonly text: string;
  /** Its events, by the coordinator's clock. */
  readonly events: readonly RunEvent[];
  /** Taken after the events. */
  readonly read: EventOf<'stream-read'>;
}

/**
 * `here`: the run is as this coordinator left it. `emptied`: Redis lost the run or restored an earlier state. `unknown`: the run is being
 * announced again.
 */
export type Presence = PresenceOf<ReadonlySet<AttemptId>>;
export type PresenceOf<Waiting> =
  | {
      readonly kind: 'here';
      /** A user has asked to end the run. */
      readonly isCancelled: boolean;
      readonly alive: readonly AgentId[];
      /** Attempts in the queue, not fetched yet. */
      readonly waiting: Waiting;
      /** Attempts that were fetched and have not ended, with the agent that fetched them. */
      readonly taken: readonly { readonly attempt: AttemptId; readonly agent: AgentId }[];
      /** Attempts that each agent is serving, by its last report. */
      readonly holding: ReadonlyMap<AgentId, readonly AttemptId[]>;
    }
  /** `isMissing`: Redis has no key of the run. */
  | { readonly kind: 'emptied'; readonly isMissing: boolean }
  | { readonly kind: 'unknown' };

/** Durations from earlier runs. */
export interface TimingStore {
  load(): Promise<Timings>;
  /** Adds what one run measured: the new value of each file, already averaged with its history by core. */
  save(timings: Timings): Promise<void>;
}

/** Censuses of whole suites from earlier runs, by key. */
export interface CensusStore {
  /** null if no census is known under this key. */
  load(key: string): Promise<Census | null>;
  save(key: string, census: Census): Promise<void>;
}
/** Receives the number of dropped, unusable entries of `source`. Durations change no outcome, so this is never fatal. */
export type OnDropped = (dropped: number, source: string) => void;

/** Lists what pytest would collect, file by file, without importing any test module. */
export interface Discovery {
  discover(request: DiscoveryRequest, signal: AbortSignal): Promise<DiscoveredSuite>;
}

export interface DiscoveryRequest {
  readonly workspace: string;
  readonly python: string;
  /** The user's paths and pytest arguments, exactly as plain pytest would get them. */
  readonly pytestArgs: readonly string[];
  /** Marker of tests that run alone; discovery registers it with pytest. */
  readonly serialMarker: string;
}

export interface DiscoveredSuite {
  readonly rootdir: string;
  readonly files: readonly DiscoveredFile[];
  /** Errors of directories, such as a failing conftest. The files below them are unknown. */
  readonly collectErrors: readonly { readonly file: TestFile; readonly message: string }[];
  /** pytest's own `--maxfail` after ini file and arguments; 0 means no limit. */
  readonly maxfail: number;
  /** xdist's `--dist` after ini file and arguments; `no` if unset. */
  readonly dist: string;
  /** Sets of files that share a `shard_together` name or, with `--dist loadgroup`, an xdist group. */
  readonly together: readonly (readonly TestFile[])[];
  /** `shard_together` marks whose name cannot be read without running the file. */
  readonly unclearMarks: readonly { readonly file: TestFile; readonly line: number }[];
  /** Why one session cannot run file by file with these options; null if it can. */
  readonly unstreamable: string | null;
  /** True if arguments name single tests. */
  readonly namesTests: boolean;
  /** Key of this suite's census: hashes conftest files, plugins, configuration and options. */
  readonly censusKey: string;
  /** Options of pytest-cov; null if nothing is measured. */
  readonly coverage: CoverageOptions | null;
  /** Whether hooks of the suite turned the exit code of this session, which had no test file, into a success. */
  readonly acceptsNoTests: boolean;
  /** The path of the JUnit file that pytest's own options ask for and that the run writes in its place; null without one. */
  readonly junitXml: string | null;
  /** A plugin that disables itself in xdist workers, the option that requests its work, and the command that runs it; null without one. */
  readonly idlePlugin?: { readonly plugin: string; readonly option: string; readonly command: string } | null;
  /** pytest's own cache; null with `-p no:cacheprovider`. */
  readonly cache: FoundCache | null;
  /** Fingerprint of the interpreter that ran discovery. */
  readonly fingerprint: PythonPrint;
  readonly pytest: string;
  readonly xdist: string;
}

/** One job, as its provider describes it. */
export interface GroupJob {
  /** Its number among the parallel jobs; null if unknown. */
  readonly place: number | null;
  /** Differs after a retry of the job; null if unknown. */
  readonly token: string | null;
  /** How often the provider has started the job, from 1; null if unknown. */
  readonly attempt: number | null;
  /** Whether it asks to run the whole suite if it is a retry. */
  readonly isFresh: boolean;
  /** Age in milliseconds from which it takes no verdict, but begins another run. null for any age: ids of a provider distinguish retries. */
  readonly tooOldMs: number | null;
}

/** The run that a job belongs to. The first one of a group has the generation 1, and each retry the next. */
export interface Joined {
  readonly generation: number;
  /** null if the run has not ended. */
  readonly verdict: GroupVerdict | null;
  /** Milliseconds since the run ended; null if it has not ended. */
  readonly endedMsAgo: number | null;
  /** The verdict of the generation before; null without one. */
  readonly before: GroupVerdict | null;
  /** Whether a retry that asked to run the whole suite began this generation. */
  readonly isFresh: boolean;
}

/** The right to coordinate the run of a group. */
export interface Leadership {
  /** Keeps it for some seconds. Throws `taken-over`. */
  renew(): Promise<void>;
  /** Stores the verdict, and resolves with the one with which every job ends: the first. Throws `taken-over`. */
  conclude(generation: number, verdict: GroupVerdict): Promise<GroupVerdict>;
}

/** The port to the other jobs of a group. Throws `redis-refuses` if Redis refuses a write for too long. */
export interface CiGroup {
  join(job: GroupJob): Promise<Joined>;
  /** null if this generation has no verdict yet. */
  verdict(generation: number): Promise<GroupVerdict | null>;
  /** Resolves once no other job leads the group. Throws the reason of the signal. */
  lead(signal: AbortSignal): Promise<Leadership>;
}
