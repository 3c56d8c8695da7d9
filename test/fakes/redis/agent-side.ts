// The agent's ports over the model, like those of agent/redis, with a worker that fetches jobs as that of BullMQ does.

import { createHash } from 'node:crypto';
import { byUrgency } from '../../../agent/core/slot-order.ts';
import type { JoinedRun, PoolMember, SharedSlots, Slot } from '../../../agent/ports.ts';
import { type AttemptRequest, type Lane, runsAlone } from '../../../shared/domain/attempt.ts';
import { COVERAGE_LIMITS } from '../../../shared/domain/coverage.ts';
import type { AgentId, RunId } from '../../../shared/domain/ids.ts';
import { leasedUnits } from '../../../shared/domain/leased-units.ts';
import type { RunSpec } from '../../../shared/domain/run-spec.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { agentChannel, coverageField, PRESENCE_MS } from '../../../shared/redis/keys.ts';
import { decodeAttempt } from '../../../shared/wire/attempt.ts';
import { decodeCommand } from '../../../shared/wire/control.ts';
import type { RunAddress } from '../../../shared/wire/envelope.ts';
import { encodeEvents } from '../../../shared/wire/events.ts';
import { decodeSpec } from '../../../shared/wire/run-spec.ts';
import { NO_VERIFIER } from '../../../shared/wire/signature.ts';
import { type Connection, openConnection } from './connection.ts';
import { abortOf, type Place, readStream } from './reading.ts';
import * as scripts from './scripts.ts';
import type { Job } from './server.ts';

/** As in agent/redis. */
const RETURN_MS = 60_000;
const ORPHANED_MS = 5 * 60_000;
const AVOID_MS = 200;
const AVOID_TIMES = 20;
const AVOID_RECHECK_TIMES = 150;
const DRAIN_MS = 1000;
const AGAIN_MS = 250;
const FAREWELL_MS = 1000;

/** As BullMQ's `WaitingError`. */
class HandedBack extends Error {}

export interface ModelMember extends PoolMember, AsyncDisposable {}

export function modelMember(place: Place, pool: string, agent: AgentId, labels: readonly string[] = []): ModelMember {
  const { server, process, network } = place;
  const redis = openConnection(server, process, network);
  const line = openConnection(server, process, network, agentChannel(pool, agent));
  const served = new Set<RunId>();
  const heart = startHeartbeat(place, async () => {
    await redis.request(() => scripts.poolOf(server, pool).agents.set(agent, server.schedule.now() + PRESENCE_MS.life));
  });

  const openRun = async (): Promise<RunSpec | null> => {
    const runs = await redis.request(() => [...scripts.poolOf(server, pool).runs]);
    const specs = runs
      .filter(([id]) => !served.has(id))
      .map(([run, text]) => decodeSpec(text, { pool, run, verifier: NO_VERIFIER }, `run ${run} of pool ${pool}`))
      .sort(byUrgency);
    return specs[0] ?? null;
  };

  return {
    async nextRun(signal) {
      for await (const _ of readStream(place, () => scripts.poolOf(server, pool).opened, '0', 100, signal)) {
        const spec = await openRun();
        if (spec !== null) return spec;
      }
      return null;
    },
    join(spec) {
      served.add(spec.runId);
      return joinRun(place, redis, { pool, run: spec.runId }, spec.unitsIn, agent, labels.length === 0 ? [null] : [labels, null]);
    },
    async [Symbol.asyncDispose]() {
      await heart.stop();
      await withinASecond(
        place,
        redis.request(() => scripts.poolOf(server, pool).agents.delete(agent)),
      );
      line.close();
      redis.close();
    },
  };
}

async function joinRun(
  place: Place,
  redis: Connection,
  address: RunAddress,
  unitsIn: string | undefined,
  agent: AgentId,
  lanes: readonly (Lane | null)[],
): Promise<JoinedRun> {
  const { run: runId } = address;
  const { server, process, network } = place;
  const { clock } = process;
  const serving = new Map<string, Promise<void>>();
  let batches = 0;
  let instance: number | null = null;
  let missingSince: number | null = null;
  let isOver = false;
  let returns = 0;
  const token = agent;

  let beatenAt = clock.now();
  const beatOnce = async (): Promise<void> => {
    const sentAt = clock.now();
    const holding = [...serving.keys()];
    const beaten = await redis.request(() => scripts.beat(server, runId, agent, holding));
    beatenAt = sentAt;
    if (beaten.isThere) {
      if (missingSince !== null) returns += 1;
      missingSince = null;
      instance = beaten.instance;
      isOver = beaten.silentMs > ORPHANED_MS;
      return;
    }
    missingSince ??= clock.now();
    instance ??= beaten.instance;
    isOver ||= beaten.instance === instance || clock.now() - missingSince > RETURN_MS;
  };
  await beatOnce();
  const heart = startHeartbeat(place, beatOnce);

  /** Returns false if the run is over. */
  const persist = async (store: () => number): Promise<boolean> => {
    while ((await redis.request(store)) === -1) {
      await beatOnce();
      if (isOver) return false;
      await clock.wait(AGAIN_MS);
    }
    return true;
  };

  const pullLane = async (
    lane: Lane | null,
    slots: () => number,
    serve: (attempt: AttemptRequest) => Promise<void>,
    signal: AbortSignal,
    shared: SharedSlots | null,
  ): Promise<void> => {
    if (signal.aborted) return;
    const blocking = openConnection(server, process, network);
    const stopped = abortOf(signal);
    const failed = Promise.withResolvers<never>();
    const running = new Set<Promise<void>>();
    let concurrency = Math.max(1, slots());

    const begin = (id: string, request: AttemptRequest, slot: Slot | null): Promise<void> => {
      const begun = (async () => {
        if (slot !== null && runsAlone(request.role) && !(await slot.alone(signal))) {
          await handBack(id);
          throw new HandedBack();
        }
        await serve(request);
      })().finally(() => serving.delete(id));
      serving.set(id, begun);
      return begun;
    };
    const handBack = async (id: string): Promise<void> => {
      if (signal.aborted && server.defects.keepsPrefetched) return;
      await redis.request(() => scripts.moveToWait(server, runId, id, token)).catch(() => undefined);
    };
    /** Serves a job, and returns the next one if the same command fetched it. */
    const work = async (job: Job, slot: Slot | null): Promise<Job | null> => {
      const { id } = job;
      if (signal.aborted && !serving.has(id)) {
        await handBack(id);
        return null;
      }
      try {
        const request = decodeAttempt(job.data, { ...address, verifier: NO_VERIFIER }, `shard queue of run ${runId}`);
        if (!serving.has(id) && isAvoidedBy(agent, request, job)) {
          await handBack(id);
          await Promise.race([clock.wait(AVOID_MS), stopped]);
          return null;
        }
        await (serving.get(id) ?? begin(id, request, slot));
      } catch (thrown) {
        if (!(thrown instanceof HandedBack)) failed.reject(thrown);
        return null;
      }
      concurrency = Math.max(1, slots());
      const next = signal.aborted || shared?.isShared() === true || running.size > concurrency ? null : { agent };
      return await redis.request(() => scripts.finishJob(server, runId, id, token, next)).catch(() => null);
    };
    const workOff = async (first: Job, fetchedFor: Slot | null): Promise<void> => {
      let slot = fetchedFor;
      for (let job: Job | null = first; job !== null; ) {
        slot ??= shared?.add() ?? null;
        job = await work(job, slot).finally(() => slot?.free());
        slot = null;
      }
    };
    const start = (job: Job, slot: Slot | null): void => {
      const working = workOff(job, slot).finally(() => running.delete(working));
      running.add(working);
    };

    let isClosing = false;
    const over = Promise.race([stopped, failed.promise]);
    const ended = over
      .catch(() => undefined)
      .then(() => {
        isClosing = true;
        blocking.close();
      });
    const fetching = (async () => {
      while (!isClosing) {
        if (running.size >= concurrency) {
          await Promise.race([...running, ended]);
          continue;
        }
        const isThere = await Promise.race([blocking.block(() => (scripts.isWaiting(server, runId, lane) ? true : null), DRAIN_MS), ended]);
        if (isClosing || isThere !== true) continue;
        const slot = (await shared?.take(signal)) ?? null;
        if (shared !== null && slot === null) continue;
        const job = await redis.request(() => scripts.fetchJob(server, runId, agent, token, lane));
        if (job === null) slot?.free();
        else start(job, slot);
      }
    })();
    try {
      await over;
    } finally {
      await ended;
      await fetching;
      while (running.size > 0) await Promise.all(running);
    }
  };

  return {
    async append(events) {
      batches += 1;
      const number = batches;
      const text = encodeEvents(events, { ...address, sender: agent, seq: number, epoch: 0 });
      await persist(() => {
        const stored = scripts.append(server, runId, agent, number, text);
        if (stored === -2) throw new ShardlineError('name-taken', { agent, runId });
        return stored;
      });
    },

    async storeCoverage(part, data) {
      const { chunkBytes } = COVERAGE_LIMITS;
      const chunks = Math.ceil(data.length / chunkBytes);
      for (let chunk = 0; chunk < chunks; chunk += 1) {
        const piece = data.slice(chunk * chunkBytes, (chunk + 1) * chunkBytes);
        if (!(await persist(() => scripts.storeCoverage(server, runId, coverageField(agent, part, chunk), piece)))) break;
      }
      return { part, chunks, digest: createHash('sha256').update(data).digest('hex') };
    },

    async pull(slots, serve, signal, shared = null) {
      const failing = new AbortController();
      const either = AbortSignal.any([signal, failing.signal]);
      const pulls = lanes.map(async (lane) => {
        try {
          await pullLane(lane, slots, serve, either, shared);
        } catch (thrown) {
          failing.abort();
          throw thrown;
        }
      });
      await Promise.allSettled(pulls);
      await Promise.all(pulls);
    },

    async *commands(signal) {
      const control = () => server.data.runs.get(runId)?.control ?? [];
      for (let known = 0; !signal.aborted; known = returns) {
        for await (const entries of readStream(place, control, '0', 100, signal)) {
          for (const { text } of entries) yield decodeCommand(text, { ...address, verifier: NO_VERIFIER }, `commands of run ${runId}`);
          if (entries.length === 0 && isOver) {
            yield { kind: 'close-run', by: 'cancelled' };
            return;
          }
          if (known !== returns) break;
        }
      }
    },

    isMoreWaiting: () => redis.request(() => lanes.some((lane) => scripts.isWaiting(server, runId, lane))),

    async claimNumbers(counter, count, floor) {
      let first = floor;
      const claim = (): number => {
        first = scripts.claimNumbers(server, runId, counter, count, floor);
        return first;
      };
      return (await persist(claim)) ? first : floor;
    },

    serverNow: () => redis.request(() => server.schedule.now()),
    leasedUnits: async () =>
      unitsIn === undefined
        ? null
        : await redis.request(() =>
            leasedUnits(scripts.poolOf(server, unitsIn).units.get(runId) ?? null, Math.floor(server.schedule.now())),
          ),
    silenceMs: () => clock.now() - beatenAt,

    async leave() {
      await heart.stop();
      await withinASecond(
        place,
        redis.request(() => scripts.leave(server, runId, agent)),
      );
    },
  };
}

const isAvoidedBy = (agent: AgentId, request: AttemptRequest, job: Job): boolean =>
  request.avoid.includes(agent) && job.attemptsStarted <= (request.role === 'recheck' ? AVOID_RECHECK_TIMES : AVOID_TIMES);

function startHeartbeat({ process }: Place, once: () => Promise<void>): { readonly stop: () => Promise<void> } {
  const over = new AbortController();
  const stopped = abortOf(over.signal);
  const beating = (async () => {
    while (!over.signal.aborted) {
      await Promise.race([once(), stopped]);
      await Promise.race([process.clock.wait(PRESENCE_MS.beat, over.signal).catch(() => undefined), stopped]);
    }
  })();
  return {
    async stop() {
      over.abort();
      await beating;
    },
  };
}

async function withinASecond({ process }: Place, farewell: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  await Promise.race([farewell.catch(() => undefined), process.clock.wait(FAREWELL_MS, late.signal).catch(() => undefined)]);
  late.abort();
}
