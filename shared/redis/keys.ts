// Every key in Redis, by name. The braces put all keys of one run (or one pool) into the same slot of a cluster.

import type { AgentId, RunId } from '../domain/ids.ts';

/** Every key has a life span: these seconds, renewed while it is used; a closed run deletes its own at once. */
export const KEY_LIFE_SECONDS = 24 * 60 * 60;
/** Durations outlive runs: a suite that was not run for this long is learned anew. */
export const TIMINGS_LIFE_SECONDS = 90 * 24 * 60 * 60;

/**
 * How often an agent says that it is alive, and after what silence it counts as gone. An agent whose connection was closed is noticed at once:
 * silence is for machines that froze or were cut off, and a loaded one may well be silent for 5 s (measured: 32 busy processes on 2 cores).
 */
export const PRESENCE_MS = { beat: 1000, life: 8000 } as const;

export interface RunKeys {
  /** string: the run's spec. While it is there the run is open. */
  readonly spec: string;
  /** stream of event batches, from all agents. */
  readonly events: string;
  /** hash: agent → number of its last batch, so that a batch that is sent again is dropped. */
  readonly producers: string;
  /** stream of commands to all agents. */
  readonly control: string;
  /** sorted set: agent → when it counts as gone, in milliseconds of the server's clock. */
  readonly agents: string;
  /** hash: agent → attempts that it is serving. */
  readonly holding: string;
  /** hash: agent/part/chunk → a piece of compressed coverage data. */
  readonly coverage: string;
  /** hash: counter → the next number for an xdist worker. */
  readonly numbers: string;
  /** hash: epoch of the coordinator, number of its last look, and when that was by the server's clock. */
  readonly coordinator: string;
  /** BullMQ's prefix: its own keys are `<prefix>:<QUEUE_NAME>:…`. */
  readonly queuePrefix: string;
}

/** The name of a run's only queue. */
export const QUEUE_NAME = 'shards';

export function runKeys(runId: RunId): RunKeys {
  const run = `{sl:run:${runId}}`;
  return {
    spec: `${run}:spec`,
    events: `${run}:events`,
    producers: `${run}:producers`,
    control: `${run}:control`,
    agents: `${run}:agents`,
    holding: `${run}:holding`,
    coverage: `${run}:coverage`,
    numbers: `${run}:numbers`,
    coordinator: `${run}:coordinator`,
    queuePrefix: run,
  };
}

/** Keys of a queue that BullMQ makes besides those of single jobs; they get their life span from us. */
export const queueKeys = (keys: RunKeys): readonly string[] =>
  ['meta', 'id', 'wait', 'active', 'prioritized', 'pc', 'events', 'marker', 'completed', 'failed', 'delayed', 'paused', 'stalled'].map(
    (name) => `${keys.queuePrefix}:${QUEUE_NAME}:${name}`,
  );

export const coverageField = (agent: AgentId, part: number, chunk: number): string => `${agent}/${part}/${chunk}`;

export const jobKey = (keys: RunKeys, id: string): string => `${keys.queuePrefix}:${QUEUE_NAME}:${id}`;

export interface PoolKeys {
  /** hash: run id → spec, of the runs that are open. */
  readonly runs: string;
  /** stream: one entry whenever a run opens; wakes waiting agents. */
  readonly opened: string;
  /** sorted set: agent → when it counts as gone, in milliseconds of the server's clock. */
  readonly agents: string;
  /** hash: test file → its durations; `/start` → what the start of a pytest costs. */
  readonly timings: string;
  /** hash: key of a census → the census. */
  readonly census: string;
}

/** A channel, which is no key: an agent listens there for as long as it is connected, and nothing is ever said. */
export const lifeline = (pool: string, agent: AgentId): string => `{sl:pool:${pool}}:alive:${agent}`;

export function poolKeys(pool: string): PoolKeys {
  const prefix = `{sl:pool:${pool}}`;
  return {
    runs: `${prefix}:runs`,
    opened: `${prefix}:opened`,
    agents: `${prefix}:agents`,
    timings: `${prefix}:timings`,
    census: `${prefix}:census`,
  };
}
