// A model of the Redis server of a run: what it stores, and that it can come back without it. What is done to the data in one step is scripts.ts's.
//
// Not in the model: key life spans, locks of jobs that expire (nobody re-takes a stalled job, see redis.md), answers such as LOADING or OOM, and
// accounts that may not do everything.

import type { AgentId, RunId } from '../../../shared/domain/ids.ts';
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
}

export interface CoordinatorData {
  epoch: number;
  look: number;
  told: number;
  at: number | null;
  holder: LeaseHolder | null;
  /** When the lease is free. */
  expires: number;
  /** Did the run exist when the lease was claimed? */
  isFound: boolean;
}

/** The keys of one run; `spec` and `coordinator` are null where they are not there. */
export interface RunKeysData {
  spec: string | null;
  coordinator: CoordinatorData | null;
  readonly events: Entry[];
  /** Number of the last batch of each agent. */
  readonly producers: Map<AgentId, number>;
  readonly control: Entry[];
  /** When each agent counts as gone. */
  readonly agents: Map<AgentId, number>;
  readonly holding: Map<AgentId, readonly string[]>;
  readonly coverage: Map<string, Uint8Array>;
  readonly numbers: Map<string, number>;
  readonly jobs: Map<string, Job>;
  /** The last of them is served first. */
  readonly wait: string[];
  readonly active: string[];
}

export interface PoolData {
  readonly runs: Map<RunId, string>;
  readonly opened: Entry[];
  readonly agents: Map<AgentId, number>;
}

export interface ServerData {
  readonly runs: Map<RunId, RunKeysData>;
  readonly pools: Map<string, PoolData>;
}

/** Protections that can be switched off, to show that what they protect against is noticed. */
export interface Defects {
  /** A coordinator that was deposed may write. */
  readonly ignoresEpochs: boolean;
  /** A lease is granted although another coordinator holds it. */
  readonly ignoresLeases: boolean;
  /** A batch that is sent again is stored again. */
  readonly storesAgain: boolean;
  /** An agent that leaves keeps what it fetched and did not begin. */
  readonly keepsPrefetched: boolean;
}

export const SOUND: Defects = { ignoresEpochs: false, ignoresLeases: false, storesAgain: false, keepsPrefetched: false };

/** The server's end of a connection. */
export interface ServerEnd {
  readonly owner: Process;
  /** The channel that it listens to; null without one. */
  readonly listensTo: string | null;
  break(): void;
}

export interface RedisServer {
  readonly schedule: Schedule;
  readonly defects: Defects;
  data: ServerData;
  /** What tells one start of the server from the next. */
  instance(): number;
  isUp(): boolean;
  readonly connections: Set<ServerEnd>;
  /** Jobs that were finished while the end of their attempt was not on the stream. */
  readonly early: string[];
  /** Stops with all connections, and comes back after `downMs` with `data`; null for what it had. */
  restart(downMs: number, data: ServerData | null): void;
  /** An id above all before it. */
  nextId(): string;
  changed(): void;
  /** Calls `check` after each change, until the returned function is called. */
  onChange(check: () => void): () => void;
  /** Resolves a wait for a server that is down. */
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

/** Is the first id above the second? `0` is below all. */
export function isAfter(id: string, other: string): boolean {
  const [ms = 0, number = 0] = id.split('-').map(Number);
  const [otherMs = 0, otherNumber = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}
