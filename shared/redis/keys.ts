// The names of all keys in Redis. The braces put all keys of one run, or of one pool, into the same slot of a cluster.

import type { Lane } from '../domain/attempt.ts';
import type { AgentId, RunId } from '../domain/ids.ts';
import { textDigest } from '../text/text-digest.ts';

/** Lifetime of every key, in seconds, renewed while the key is in use. A closed run deletes its keys at once, except its note. */
export const KEY_LIFE_SECONDS = 24 * 60 * 60;
/** Lifetime of durations, which outlive runs. A suite that did not run for this long is measured again. */
export const TIMINGS_LIFE_SECONDS = 90 * 24 * 60 * 60;

/**
 * How often an agent sends a heartbeat, and the silence after which it counts as gone, in milliseconds. A closed connection reveals a lost
 * agent at once. Silence is for machines that froze or lost the network; a loaded machine may be silent for 5 s (measured: 32 busy
 * processes on 2 cores). Nobody waits for an agent of a pool that serves no run, so its heartbeat is slower: hosted Redis bills commands.
 */
export const PRESENCE_MS = { beat: 1000, poolBeat: 2000, life: 8000 } as const;

/** Lifetime of a run's note, which outlives the run so that a dashboard can show how it ended. */
export const NOTE_LIFE_SECONDS = 60 * 60;

/** Lifetime of what a group of CI jobs leaves for a retry. A later retry runs the whole suite. */
export const GROUP_LIFE_SECONDS = 7 * 24 * 60 * 60;

export interface RunKeys {
  /** string: the run's spec. The run is open while this key exists. */
  readonly spec: string;
  /** stream: event batches of all agents. */
  readonly events: string;
  /** hash: agent → number of its last batch, so that a batch that is sent again is dropped. */
  readonly producers: string;
  /** stream: commands to all agents. */
  readonly control: string;
  /** sorted set: agent → the time at which it counts as gone, in milliseconds of the server's clock. */
  readonly agents: string;
  /** hash: agent → the attempts that it serves. */
  readonly holding: string;
  /** hash: agent/part/chunk → a piece of compressed coverage data. */
  readonly coverage: string;
  /** hash: counter → the next number for an xdist worker. */
  readonly numbers: string;
  /** stream: the run's log, one entry for each record of a coordinator. */
  readonly log: string;
  /**
   * hash: the coordinator's lease (`epoch`, `holder`, and `expires`, the time at which it is free), the number of its last look, and the
   * time of that look. Times are in milliseconds of the server's clock.
   */
  readonly coordinator: string;
  /** string: how far the run is, and how it ended, for people who watch. */
  readonly note: string;
  /** See `queuePlace`. */
  readonly queuePrefix: string;
}

/** The name of the queue of all agents. */
const QUEUE_NAME = 'shards';

/** BullMQ's own keys of a queue are `<prefix>:<name>:…`. */
export interface QueuePlace {
  readonly prefix: string;
  readonly name: string;
}

/** A run has a queue for all agents (`lane` is null), and one for each lane with an attempt. */
export const queuePlace = ({ queuePrefix }: RunKeys, lane: Lane | null): QueuePlace =>
  lane === null ? { prefix: queuePrefix, name: QUEUE_NAME } : { prefix: `${queuePrefix}:${QUEUE_NAME}:lane`, name: textDigest(lane) };

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
    log: `${run}:log`,
    coordinator: `${run}:coordinator`,
    note: `${run}:note`,
    queuePrefix: run,
  };
}

/** The keys that BullMQ creates for a queue, besides those of single jobs. shardline sets their lifetime. */
export const queueKeys = (keys: RunKeys, lane: Lane | null = null): readonly string[] =>
  ['meta', 'id', 'wait', 'active', 'prioritized', 'pc', 'events', 'marker', 'completed', 'failed', 'delayed', 'paused', 'stalled'].map(
    (name) => jobKey(keys, name, lane),
  );

/**
 * Those of them that appear as attempts move. BullMQ deletes the first three when they are empty, and creates all without a lifetime.
 */
export const movingKeys = (keys: RunKeys, lane: Lane | null = null): readonly string[] =>
  ['wait', 'active', 'marker', 'completed'].map((name) => jobKey(keys, name, lane));

export const coverageField = (agent: AgentId, part: number, chunk: number): string => `${agent}/${part}/${chunk}`;

export function jobKey(keys: RunKeys, id: string, lane: Lane | null = null): string {
  const { prefix, name } = queuePlace(keys, lane);
  return `${prefix}:${name}:${id}`;
}

export interface PoolKeys {
  /** hash: run id → spec, of the open runs. */
  readonly runs: string;
  /** stream: one entry for each run that opens; it wakes waiting agents. */
  readonly opened: string;
  /** sorted set: agent → the time at which it counts as gone, in milliseconds of the server's clock. */
  readonly agents: string;
  /** hash: agent → what it says of itself; see wire/fleet/agent-facts.ts. */
  readonly facts: string;
  /** hash: agent → the request to drain; see wire/fleet/drain.ts. */
  readonly drains: string;
  /** hash: run → the units of resources that it has claimed; `/version` → the version of the whole hash. See wire/fleet/leased-units.ts. */
  readonly units: string;
  /** hash: test file → its durations; `/start` → the cost of starting a pytest. */
  readonly timings: string;
  /** hash: key of a census → the census. */
  readonly census: string;
}

/** A field of the hash `units` that is no run id. */
export const UNITS_VERSION_FIELD = '/version';

/** A channel, not a key. An agent subscribes to it while it is connected; no message is ever published. */
export const agentChannel = (pool: string, agent: AgentId): string => `{sl:pool:${pool}}:alive:${agent}`;

/** The same for a command that coordinates runs. `line` is the id in the holder of its leases. */
export const coordinatorChannel = (line: string): string => `{sl:coordinator:${line}}:alive`;

export function poolKeys(pool: string): PoolKeys {
  const prefix = `{sl:pool:${pool}}`;
  return {
    runs: `${prefix}:runs`,
    opened: `${prefix}:opened`,
    agents: `${prefix}:agents`,
    facts: `${prefix}:facts`,
    drains: `${prefix}:drains`,
    units: `${prefix}:units`,
    timings: `${prefix}:timings`,
    census: `${prefix}:census`,
  };
}

/** The keys of a group: the CI jobs that share one run, and their retries. */
export interface GroupKeys {
  /** string: exists once a job has led the group. */
  readonly led: string;
  /** hash: the lease of the job that leads, with the same fields as a coordinator's. */
  readonly leader: string;
  /** string: the number of the present generation. A retry begins the next one. */
  readonly generation: string;
  /** hash: generation/`at` place → token of the job there; generation/`attempt`; generation/`fresh`; generation/`begun`, in ms. */
  readonly members: string;
  /** hash: generation → its verdict; `ended` generation → when, in ms. */
  readonly verdicts: string;
}

export function groupKeys(group: string): GroupKeys {
  const prefix = `{sl:ci:${group}}`;
  return {
    led: `${prefix}:led`,
    leader: `${prefix}:leader`,
    generation: `${prefix}:generation`,
    members: `${prefix}:members`,
    verdicts: `${prefix}:verdicts`,
  };
}
