// What a command or script does to the server's data in one step. Each function has the name and the meaning of a script in coordinator/redis or agent/redis.

import { type Granted, LEASE_MS, type Lease } from '../../../coordinator/lease-claim.ts';
import type { Lane } from '../../../shared/domain/attempt.ts';
import type { AgentId, RunId } from '../../../shared/domain/ids.ts';
import { PRESENCE_MS } from '../../../shared/redis/keys.ts';
import { decodeEnvelope } from '../../../shared/wire/envelope.ts';
import type { LeaseHolder } from '../../../shared/wire/lease-holder.ts';
import { type CoordinatorData, type Entry, isAfter, type Job, type PoolData, type RedisServer, type RunKeysData } from './server.ts';

const newRun = (): RunKeysData => ({
  spec: null,
  coordinator: null,
  isCancelled: false,
  events: [],
  producers: new Map(),
  control: [],
  agents: new Map(),
  holding: new Map(),
  coverage: new Map(),
  numbers: new Map(),
  jobs: new Map(),
  wait: new Map(),
  active: [],
});

/** The keys of the run. Creates them if they are missing. */
function keysOf(server: RedisServer, id: RunId): RunKeysData {
  const known = server.data.runs.get(id);
  if (known !== undefined) return known;
  const run = newRun();
  server.data.runs.set(id, run);
  return run;
}

export function poolOf(server: RedisServer, name: string): PoolData {
  const known = server.data.pools.get(name);
  if (known !== undefined) return known;
  const pool: PoolData = { runs: new Map(), opened: [], agents: new Map(), units: new Map(), unitsVersion: '' };
  server.data.pools.set(name, pool);
  return pool;
}

const epochOf = (server: RedisServer, id: RunId): number => server.data.runs.get(id)?.coordinator?.epoch ?? 0;
const isDeposed = (server: RedisServer, id: RunId, epoch: number): boolean => !server.defects.ignoresEpochs && epochOf(server, id) > epoch;

const leaseEnd = (server: RedisServer): number => Math.floor(server.schedule.now()) + LEASE_MS;

const renewalOf = ({ epoch, expires }: CoordinatorData): string => `${epoch} ${expires}`;

/** null where another coordinator holds the lease. */
export function claim(server: RedisServer, id: RunId, spec: string, holder: LeaseHolder, gone: string): Granted | null {
  const lease = server.data.runs.get(id)?.coordinator ?? null;
  if (lease?.holder?.id === holder.id) return { epoch: lease.epoch, isFound: lease.isFound };
  if (lease?.holder != null && renewalOf(lease) !== gone && !server.defects.ignoresLeases) return null;
  const isFound = server.data.runs.get(id)?.spec != null;
  const epoch = Math.max(epochOf(server, id) + 1, Math.floor(server.schedule.now()));
  const run = keysOf(server, id);
  run.spec = spec;
  run.coordinator = { epoch, look: 0, reported: 0, at: null, holder, expires: leaseEnd(server), isFound };
  return { epoch, isFound };
}

/** null where no coordinator holds the lease. */
export function lookAtLease(server: RedisServer, id: RunId): Omit<Extract<Lease, { kind: 'held' }>, 'isConnected'> | null {
  const lease = server.data.runs.get(id)?.coordinator;
  if (lease?.holder == null) return null;
  return { kind: 'held', holder: lease.holder, renewal: renewalOf(lease), isExpired: lease.expires <= server.schedule.now() };
}

/** Renews the lease. Is the run ours: null where the epoch is not there. */
export function renew(server: RedisServer, id: RunId, epoch: number): boolean | null {
  const coordinator = server.data.runs.get(id)?.coordinator;
  if (coordinator == null) return null;
  if (isDeposed(server, id, epoch)) return false;
  coordinator.expires = leaseEnd(server);
  return true;
}

export function restore(server: RedisServer, id: RunId, spec: string, epoch: number, look: number, holder: LeaseHolder): boolean {
  if (isDeposed(server, id, epoch)) return false;
  const run = keysOf(server, id);
  run.spec = spec;
  const { at = null, isFound = false } = run.coordinator ?? {};
  run.coordinator = { epoch, look, reported: 0, at, holder, expires: leaseEnd(server), isFound };
  return true;
}

export type Looked =
  | { readonly kind: 'taken-over' }
  | { readonly kind: 'missing' }
  | {
      readonly kind: 'here';
      readonly before: number;
      readonly isCancelled: boolean;
      readonly agents: ReadonlyMap<AgentId, readonly string[]>;
    };

export function look(server: RedisServer, id: RunId, epoch: number, number: number): Looked {
  if (isDeposed(server, id, epoch)) return { kind: 'taken-over' };
  const run = server.data.runs.get(id);
  if (run?.spec == null) return { kind: 'missing' };
  const now = server.schedule.now();
  const { look: before = 0, reported = 0, holder = null, isFound = false } = run.coordinator ?? {};
  run.coordinator = { epoch, look: number, reported, at: now, holder, expires: leaseEnd(server), isFound };
  const alive = [...run.agents].filter(([, goneAt]) => goneAt >= now);
  return {
    kind: 'here',
    before,
    isCancelled: run.isCancelled,
    agents: new Map(alive.map(([agent]) => [agent, run.holding.get(agent) ?? []])),
  };
}

/** false if the run is not open. */
export function cancel(server: RedisServer, id: RunId): boolean {
  const run = server.data.runs.get(id);
  if (run?.spec == null) return false;
  run.isCancelled = true;
  return true;
}

/** Sends a command unless it was sent before. false if another coordinator holds the run. */
export function report(server: RedisServer, id: RunId, epoch: number, number: number, text: string): boolean {
  const run = server.data.runs.get(id);
  if (run?.coordinator == null) return true;
  if (isDeposed(server, id, epoch)) return false;
  if (run.coordinator.reported >= number) return true;
  run.coordinator.reported = number;
  run.control.push({ id: server.nextId(), text });
  server.changed();
  return true;
}

/** Deletes every key of the run. false if another coordinator holds the run. */
export function end(server: RedisServer, id: RunId, epoch: number): boolean {
  if (isDeposed(server, id, epoch)) return false;
  server.data.runs.delete(id);
  return true;
}

export function announce(server: RedisServer, pool: string, id: RunId, spec: string): void {
  const { runs, opened } = poolOf(server, pool);
  runs.set(id, spec);
  opened.push({ id: server.nextId(), text: id });
  server.changed();
}

/** 1: stored. 0: already stored. -1: the run is closed. */
export function append(server: RedisServer, id: RunId, agent: AgentId, number: number, text: string): number {
  const run = server.data.runs.get(id);
  if (run?.spec == null) return -1;
  const last = run.producers.get(agent) ?? 0;
  if (number < last) return -2;
  if (number === last && !server.defects.storesAgain) return 0;
  run.producers.set(agent, number);
  run.events.push({ id: server.nextId(), text });
  server.changed();
  return 1;
}

export function storeCoverage(server: RedisServer, id: RunId, field: string, piece: Uint8Array): number {
  const run = server.data.runs.get(id);
  if (run?.spec == null) return -1;
  run.coverage.set(field, piece);
  return 1;
}

export function claimNumbers(server: RedisServer, id: RunId, counter: string, count: number, floor: number): number {
  const run = server.data.runs.get(id);
  if (run?.spec == null) return -1;
  const first = Math.max(run.numbers.get(counter) ?? 0, floor);
  run.numbers.set(counter, first + count);
  return first;
}

export interface Beaten {
  readonly isThere: boolean;
  readonly instance: number;
  /** How long the coordinator has been silent. */
  readonly silentMs: number;
}

export function beat(server: RedisServer, id: RunId, agent: AgentId, holding: readonly string[]): Beaten {
  const instance = server.instance();
  const run = server.data.runs.get(id);
  if (run?.spec == null) return { isThere: false, instance, silentMs: 0 };
  const now = server.schedule.now();
  run.agents.set(agent, now + PRESENCE_MS.life);
  run.holding.set(agent, holding);
  return { isThere: true, instance, silentMs: now - (run.coordinator?.at ?? now) };
}

export function leave(server: RedisServer, id: RunId, agent: AgentId): void {
  server.data.runs.get(id)?.agents.delete(agent);
  server.data.runs.get(id)?.holding.delete(agent);
}

export const entriesAfter = (entries: readonly Entry[], from: string, count: number): readonly Entry[] => {
  let first = entries.length;
  while (first > 0 && isAfter(entries[first - 1]?.id ?? '0', from)) first -= 1;
  return entries.slice(first, first + count);
};

/** Adds jobs in order, except those that it knows. */
export function addJobs(
  server: RedisServer,
  run: RunId,
  jobs: readonly { readonly id: string; readonly data: string; readonly isFirst: boolean; readonly lane: Lane | null }[],
): void {
  const keys = keysOf(server, run);
  for (const { id, data, isFirst, lane } of jobs) {
    if (keys.jobs.has(id)) continue;
    keys.jobs.set(id, { id, data, state: 'waiting', processedBy: null, token: null, attemptsStarted: 0, lane });
    const wait = waitIn(keys, lane);
    if (isFirst) wait.push(id);
    else wait.unshift(id);
  }
  server.changed();
}

export const isWaiting = (server: RedisServer, run: RunId, lane: Lane | null): boolean =>
  (server.data.runs.get(run)?.wait.get(laneKey(lane))?.length ?? 0) > 0;

const laneKey = (lane: Lane | null): string => JSON.stringify(lane);

function waitIn({ wait }: RunKeysData, lane: Lane | null): string[] {
  const known = wait.get(laneKey(lane));
  if (known !== undefined) return known;
  const list: string[] = [];
  wait.set(laneKey(lane), list);
  return list;
}

/** Takes the next job, which becomes active; null if none waits. */
export function fetchJob(server: RedisServer, run: RunId, agent: AgentId, token: string, lane: Lane | null): Job | null {
  const keys = server.data.runs.get(run);
  const id = keys?.wait.get(laneKey(lane))?.pop();
  const job = id === undefined ? undefined : keys?.jobs.get(id);
  if (keys === undefined || job === undefined) return null;
  keys.active.push(job.id);
  Object.assign(job, { state: 'active', processedBy: agent, token, attemptsStarted: job.attemptsStarted + 1 });
  return { ...job };
}

/** Ends a job, and fetches the next one for the agent in `next`. Throws if this token no longer holds the job. */
export function finishJob(
  server: RedisServer,
  run: RunId,
  id: string,
  token: string,
  next: { readonly agent: AgentId } | null,
): Job | null {
  const job = ownJob(server, run, id, token);
  job.state = 'completed';
  // A server that restarted may have lost the stored end.
  if (server.instance() === 1 && !isEndStored(server, run, id)) server.early.push(id);
  return next === null ? null : fetchJob(server, run, next.agent, token, job.lane);
}

function isEndStored(server: RedisServer, run: RunId, id: string): boolean {
  const entries = server.data.runs.get(run)?.events ?? [];
  const end = new RegExp(`"kind":"attempt-ended"[^{}]*"attempt":"${id}"`);
  return entries.some(({ text }) => text.includes(id) && end.test(decodeEnvelope(text, 'the event stream').body));
}

/** Hands a job back, to be served next. Throws like `finishJob`. */
export function moveToWait(server: RedisServer, run: RunId, id: string, token: string): void {
  const job = ownJob(server, run, id, token);
  Object.assign(job, { state: 'waiting', token: null });
  const keys = server.data.runs.get(run);
  if (keys !== undefined) waitIn(keys, job.lane).push(id);
  server.changed();
}

/** Removes the job from the active ones. */
function ownJob(server: RedisServer, run: RunId, id: string, token: string): Job {
  const keys = server.data.runs.get(run);
  const job = keys?.jobs.get(id);
  if (keys === undefined || job === undefined) throw new Error(`Missing key for job ${id}`);
  if (job.state !== 'active' || job.token !== token) throw new Error(`Missing lock for job ${id}`);
  keys.active.splice(keys.active.indexOf(id), 1);
  return job;
}
