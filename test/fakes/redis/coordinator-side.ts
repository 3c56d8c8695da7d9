// The coordinator's ports over the model, with the same commands as in coordinator/redis.

import { absencesOf } from '../../../coordinator/core/state/agents/absences.ts';
import { claimLease, type LeasePort, NEW_RUN } from '../../../coordinator/lease-claim.ts';
import type { Pools, PresenceOf, RunChannel, TakeOver } from '../../../coordinator/ports.ts';
import { readEntry } from '../../../coordinator/redis/stream-entry.ts';
import type { AttemptRequest } from '../../../shared/domain/attempt.ts';
import { type AgentId, type AttemptId, agentId } from '../../../shared/domain/ids.ts';
import { NO_NEEDS } from '../../../shared/domain/needs.ts';
import type { RunSpec } from '../../../shared/domain/run-spec.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { agentChannel, coordinatorChannel, coverageField } from '../../../shared/redis/keys.ts';
import { encodeAttempt } from '../../../shared/wire/attempt.ts';
import { encodeCommand } from '../../../shared/wire/control.ts';
import { COORDINATOR } from '../../../shared/wire/envelope.ts';
import type { LeaseHolder } from '../../../shared/wire/lease-holder.ts';
import { addressOf, encodeSpec } from '../../../shared/wire/run-spec.ts';
import { NO_VERIFIER, type Verifier } from '../../../shared/wire/signature.ts';
import { oneKeyEach } from '../../../shared/wire/trust/agent-keys.ts';
import { type Connection, openConnection } from './connection.ts';
import { type Place, readStream } from './reading.ts';
import * as scripts from './scripts.ts';
import type { RedisServer } from './server.ts';
import { modelUnits } from './units.ts';

const READ_BATCHES = 200;

export interface ModelPools extends Pools {
  /** The command ends: it no longer shows that it is connected. */
  disconnect(): void;
}

/** One connection for all requests of this process, as in a real command, and one that shows that it is connected. */
export function modelPools(place: Place, verifier: Verifier = NO_VERIFIER): ModelPools {
  const { server, process, network } = place;
  const redis = openConnection(server, process, network);
  const line = openConnection(server, process, network, coordinatorChannel(process.name));
  let opened = 0;
  return {
    async openRun(spec, takeOver = {}) {
      opened += 1;
      const holder = { id: `${process.name}-${opened}`, host: process.name, pid: opened, line: process.name };
      await line.request(() => undefined);
      return await openChannel({ place, redis, verifier }, spec, holder, { ...NEW_RUN, ...takeOver });
    },
    disconnect: () => line.close(),
    cancel: (run) => redis.request(() => scripts.cancel(server, run)),
    serverNow: () => redis.request(() => server.schedule.now()),
    aliveAgents: (pool) => redis.request(() => aliveIn(server, pool)),
  };
}

const aliveIn = (server: RedisServer, pool: string): readonly AgentId[] =>
  [...scripts.poolOf(server, pool).agents].flatMap(([agent, goneAt]) => (goneAt >= server.schedule.now() ? [agent] : []));

interface Access {
  readonly place: Place;
  readonly redis: Connection;
  readonly verifier: Verifier;
}

async function openChannel(
  { place, redis, verifier }: Access,
  spec: RunSpec,
  holder: LeaseHolder,
  takeOver: TakeOver,
): Promise<RunChannel> {
  const { server, process } = place;
  const { runId } = spec;
  const address = addressOf(spec);
  const text = encodeSpec(spec);
  const isConnected = async (other: LeaseHolder | null): Promise<boolean | null> => {
    if (other === null || other.line === null) return null;
    const channel = coordinatorChannel(other.line);
    const generation = redis.generation();
    const isThere = await redis.request(() => [...server.connections].some(({ listensTo }) => listensTo === channel));
    return generation === redis.generation() ? isThere : null;
  };
  const lease: LeasePort = {
    claim: (gone) => redis.request(() => scripts.claim(server, runId, text, holder, gone)),
    async look(before) {
      const held = await redis.request(() => scripts.lookAtLease(server, runId));
      if (held === null) return { kind: 'free', isConnected: await isConnected(before) };
      return { ...held, isConnected: await isConnected(held.holder) };
    },
  };
  const { epoch, isFound } = await claimLease(runId, lease, takeOver, process.clock);
  const announceToPool = (): Promise<void> => redis.request(() => scripts.announce(server, spec.pool, runId, text));
  const takenOver = (): ShardlineError => new ShardlineError('taken-over', { runId });
  /** Returns false if Redis has lost the run. */
  const holds = async (): Promise<boolean> => {
    const held = await redis.request(() => scripts.renew(server, runId, epoch));
    if (held === false) throw takenOver();
    return held === true;
  };
  const restore = async (look: number): Promise<void> => {
    if (!(await redis.request(() => scripts.restore(server, runId, text, epoch, look, holder)))) throw takenOver();
  };
  await announceToPool();
  if (!(await holds())) {
    await restore(0);
    await announceToPool();
  }
  /** Deletes the run. */
  const withdraw = async (): Promise<void> => {
    if (!(await redis.request(() => scripts.end(server, runId, epoch)))) throw takenOver();
    await redis.request(() => scripts.poolOf(server, spec.pool).runs.delete(runId));
  };
  const earlier = await takeOver.earlier(null).catch(async (thrown: unknown) => {
    if (!isFound) await withdraw();
    throw thrown;
  });
  const reader = { ...address, verifier: oneKeyEach(verifier, earlier.keys) };
  const known = new Set<AttemptId>(earlier.attempts.map(({ id }) => id));
  let restart = new AbortController();
  let isLost = false;
  let looks = 0;
  let answered = 0;
  let commands = 0;
  let closing: Promise<void> | null = null;

  const enqueuing = new Set<Promise<void>>();
  const enqueue = async (attempts: readonly AttemptRequest[]): Promise<void> => {
    if (!(await holds()) || closing !== null) return;
    const jobs = inQueueOrder(attempts).map((attempt) => ({
      id: attempt.id,
      data: encodeAttempt(attempt, address, epoch),
      isFirst: isUrgent(attempt),
      lane: attempt.lane ?? null,
    }));
    await redis.request(() => scripts.addJobs(server, runId, jobs));
    for (const { id } of attempts) known.add(id);
  };
  const close = async (): Promise<void> => {
    await Promise.allSettled(enqueuing);
    await withdraw();
  };

  /** Lists waiting jobs before active ones, as the adapter does. */
  const look = async <Waiting>(listQueue: () => Promise<Waiting>): Promise<PresenceOf<Waiting>> => {
    if (isLost) return { kind: 'unknown' };
    looks += 1;
    const number = looks;
    const before = answered;
    const looked = await redis.request(() => scripts.look(server, runId, epoch, number));
    if (looked.kind === 'taken-over') throw takenOver();
    if (looked.kind === 'missing') {
      isLost = true;
      restart.abort();
      restart = new AbortController();
      return { kind: 'emptied', isMissing: true };
    }
    answered = Math.max(answered, number);
    if (looked.before < before) {
      isLost = true;
      return { kind: 'emptied', isMissing: false };
    }
    const waiting = await listQueue();
    const active = await redis.request(() => {
      const keys = server.data.runs.get(runId);
      return (keys?.active ?? []).flatMap((id) => {
        const job = keys?.jobs.get(id);
        return job === undefined ? [] : [{ ...job }];
      });
    });
    return {
      kind: 'here',
      isCancelled: looked.isCancelled,
      alive: [...looked.agents.keys()],
      waiting,
      taken: active.flatMap(({ id, processedBy }) =>
        processedBy !== null && known.has(id as AttemptId) ? [{ attempt: id as AttemptId, agent: agentId(processedBy) }] : [],
      ),
      holding: new Map([...looked.agents].map(([agent, held]) => [agent, held.filter((id) => known.has(id as AttemptId)) as AttemptId[]])),
    };
  };

  return {
    runId,
    isFound,
    epoch,
    log: null,
    units: spec.unitsIn === undefined ? null : modelUnits(server, redis, spec.unitsIn, runId),

    async enqueue(attempts) {
      const work = enqueue(attempts).finally(() => enqueuing.delete(work));
      enqueuing.add(work);
      await work;
    },

    async *events(from, signal) {
      const events = () => server.data.runs.get(runId)?.events ?? [];
      for (let after = from; !signal.aborted; after = '0') {
        const reading = AbortSignal.any([signal, restart.signal]);
        for await (const entries of readStream(place, events, after, READ_BATCHES, reading)) {
          if (entries.length === 0) continue;
          yield entries.map(({ id, text: batch }) => readEntry({ id, fields: new Map([['batch', batch]]) }, reader));
        }
      }
    },

    async confirm() {
      await holds();
    },

    async send(command) {
      commands += 1;
      const number = commands;
      const text = encodeCommand(command, { ...address, sender: COORDINATOR, seq: number, epoch });
      if (!(await redis.request(() => scripts.report(server, runId, epoch, number, text)))) throw takenOver();
    },

    presence: () =>
      look(async () => new Set((await redis.request(() => [...(server.data.runs.get(runId)?.wait.values() ?? [])].flat())) as AttemptId[])),
    // Agents of the model say nothing of themselves.
    absences: (known) =>
      redis.request(() => {
        const unknown = aliveIn(server, spec.pool).filter((agent) => !known.has(agent));
        return absencesOf(runId, new Map(unknown.map((agent) => [agent, null])));
      }),
    presenceBesideQueue: () => look(async () => null),

    async connected(agents) {
      const generation = redis.generation();
      const lines = new Map(agents.map((agent): [string, AgentId] => [agentChannel(spec.pool, agent), agent]));
      const alive = await redis.request(() => [...server.connections].flatMap(({ listensTo }) => lines.get(listensTo ?? '') ?? []));
      return generation === redis.generation() ? new Set(alive) : null;
    },

    async takeCoverage(agent, { part, chunks }) {
      const fields = Array.from({ length: chunks }, (_, chunk) => coverageField(agent, part, chunk));
      const pieces: Uint8Array[] = [];
      for (const field of fields) {
        const piece = await redis.request(() => server.data.runs.get(runId)?.coverage.get(field) ?? null);
        if (piece === null) return null;
        pieces.push(piece);
      }
      await redis.request(() => {
        for (const field of fields) server.data.runs.get(runId)?.coverage.delete(field);
      });
      return Buffer.concat(pieces);
    },

    async announce() {
      await restore(answered);
      await announceToPool();
      isLost = false;
    },

    close() {
      closing ??= close();
      return closing;
    },
    leave() {
      closing ??= Promise.allSettled(enqueuing).then(() => undefined);
      return closing;
    },
  };
}

const isUrgent = ({ role, needs = NO_NEEDS }: AttemptRequest): boolean =>
  role === 'retry' || role === 'rerun' || role === 'recheck' || needs.resources.length > 0;

const inQueueOrder = (attempts: readonly AttemptRequest[]): readonly AttemptRequest[] => [
  ...attempts.filter((attempt) => !isUrgent(attempt)),
  ...attempts.filter(isUrgent).toReversed(),
];
