// A model of the Redis server of a run: it stores data, and may lose some in a restart. scripts.ts owns the commands that change the data.
//
// The model has no expiry of keys, no expiry of job locks (no agent takes a stalled job again), no answers such as LOADING or OOM, and no
// accounts with limited rights.

import type { Lane } from '../../../shared/domain/attempt.ts';
import type { AgentId, RunId } from '../../../shared/domain/ids.ts';
import type { RunUnits } from '../../../shared/domain/leased-units.ts';
import type { LeaseHolder } from '../../../shared/wire/lease-holder.ts';
import type { Process, Schedule } from './process.ts';

export interface Entry {
  readonly id: string;
  readonly text: string;
}

export interface Job {
  readonly id: string;
  readonly data: string;
  state: 'waiting' | 'active' | 'completed';
  processedBy: AgentId | null;
  token: string | null;
  attemptsStarted: number;
  /** The lane of its queue; null for the queue of all agents. */
  readonly lane: Lane | null;
}

export interface CoordinatorData {
  epoch: number;
  look: number;
  reported: number;
  at: number | null;
  holder: LeaseHolder | null;
  /** When the lease is free. */
  expires: number;
  /** True if the run existed when the lease was claimed. */
  isFound: boolean;
}

/** The keys of one run. `spec` and `coordinator` are null if they do not exist. */
export interface RunKeysData {
  spec: string | null;
  coordinator: CoordinatorData | null;
  /** A user has asked to end the run. */
  isCancelled: boolean;
  readonly events: Entry[];
  /** The number of each agent's last batch. */
  readonly producers: Map<AgentId, number>;
  readonly control: Entry[];
  /** When each agent's presence expires. */
  readonly agents: Map<AgentId, number>;
  readonly holding: Map<AgentId, readonly string[]>;
  readonly coverage: Map<string, Uint8Array>;
  readonly numbers: Map<string, number>;
  readonly jobs: Map<string, Job>;
  /** The last one is served first. One list for each lane; see `laneKey`. */
  readonly wait: Map<string, string[]>;
  readonly active: string[];
}

export interface PoolData {
  readonly runs: Map<RunId, string>;
  readonly opened: Entry[];
  readonly agents: Map<AgentId, number>;
  /** What each run has claimed, and the version of all of it; empty for none. */
  readonly units: Map<RunId, RunUnits>;
  unitsVersion: string;
}

export interface ServerData {
  readonly runs: Map<RunId, RunKeysData>;
  readonly pools: Map<string, PoolData>;
}

/** Protections that can be switched off, to show that a test notices what they prevent. */
export interface Defects {
  /** A deposed coordinator may write. */
  readonly ignoresEpochs: boolean;
  /** A lease is granted although another coordinator holds it. */
  readonly ignoresLeases: boolean;
  /** A batch that is sent again is stored again. */
  readonly storesAgain: boolean;
  /** An agent that leaves keeps the jobs that it fetched but did not start. */
  readonly keepsPrefetched: boolean;
}

export const SOUND: Defects = { ignoresEpochs: false, ignoresLeases: false, storesAgain: false, keepsPrefetched: false };

/** The server's end of a connection. */
export interface ServerEnd {
  readonly owner: Process;
  /** The channel that it listens to; null if there is none. */
  readonly listensTo: string | null;
  break(): void;
}

export interface RedisServer {
  readonly schedule: Schedule;
  readonly defects: Defects;
  data: ServerData;
  /** The number of this start of the server. */
  instance(): number;
  isUp(): boolean;
  readonly connections: Set<ServerEnd>;
  /** Jobs that were finished before the end of their attempt was on the stream. */
  readonly early: string[];
  /** Breaks all connections, and is up again after `downMs` with `data`, or with its own data if that is null. */
  restart(downMs: number, data: ServerData | null): void;
  /** An id above all earlier ones. */
  nextId(): string;
  changed(): void;
  /** Calls `check` after every change until the returned function is called. */
  onChange(check: () => void): () => void;
  /** When a server that is down is up again. */
  upAt(): number;
}

export const noData = (): ServerData => ({ runs: new Map(), pools: new Map() });

export function startServer(schedule: Schedule, defects: Defects = SOUND): RedisServer {
  let instance = 1;
  let upAt = Number.NEGATIVE_INFINITY;
  let lastMs = 0;
  let lastNumber = 0;
  const checks = new Set<() => void>();
  const connections = new Set<ServerEnd>();
  const server: RedisServer = {
    schedule,
    defects,
    data: noData(),
    connections,
    early: [],
    instance: () => instance,
    isUp: () => schedule.now() >= upAt,
    upAt: () => upAt,
    restart(downMs, data) {
      upAt = schedule.now() + downMs;
      instance += 1;
      if (data !== null) server.data = data;
      checks.clear();
      for (const connection of [...connections]) connection.break();
    },
    nextId() {
      const now = Math.floor(schedule.now());
      lastNumber = now > lastMs ? 0 : lastNumber + 1;
      lastMs = Math.max(lastMs, now);
      return `${lastMs}-${lastNumber}`;
    },
    changed() {
      for (const check of [...checks]) check();
    },
    onChange(check) {
      checks.add(check);
      return () => checks.delete(check);
    },
  };
  return server;
}

export const copyOf = (data: ServerData): ServerData => structuredClone(data);

/** Is the first id above the second? `0` is below every id. */
export function isAfter(id: string, other: string): boolean {
  const [ms = 0, number = 0] = id.split('-').map(Number);
  const [otherMs = 0, otherNumber = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}
