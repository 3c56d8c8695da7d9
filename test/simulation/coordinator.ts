// One coordinator of a simulation: opens the run, or resumes it as `shardline run --resume` does, and serves it with the production loop.

import { merge } from '../../coordinator/core/result/merge.ts';
import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import type { Recorded } from '../../coordinator/core/state/replay.ts';
import { openRun, type RunState } from '../../coordinator/core/state/run-state.ts';
import type { Pools, Recorder, RunChannel } from '../../coordinator/ports.ts';
import { createRecorder } from '../../coordinator/record/recorder.ts';
import { replayLog } from '../../coordinator/record/replay-log.ts';
import { runLoop } from '../../coordinator/run-loop.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { aheadOf } from '../../shared/wire/agreed-time.ts';
import type { LogRecord } from '../../shared/wire/run-log.ts';
import { addressOf } from '../../shared/wire/run-spec.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { modelPools } from '../fakes/redis/coordinator-side.ts';
import { startProcess } from '../fakes/redis/process.ts';
import { openingOf, POOL, SECOND_RUN, suitePlanner } from './opening.ts';
import { randomOf } from './random.ts';
import { type Coordinator, describe, note, type World } from './world.ts';

/** How long a coordinator waits for its run to be closed. */
const CLOSE_MS = 5000;
const REDIS_WAIT_MS = 30_000;
/** How far the clocks of the coordinators' machines may be off. */
const SKEW_MS = 2000;

/** Starts a coordinator, which resumes the run if another one has begun it. */
export function startCoordinator(world: World): void {
  const { scenario, rank, time, coordinators, newest: before } = world;
  if (before !== null && (before.journal.length === 0 || before.isOver)) {
    note(world, 'there is nothing to resume');
    return;
  }
  const name = `${rank.run === SECOND_RUN ? 'd' : 'c'}${coordinators.length + 1}`;
  const process = startProcess(time, name, randomOf(scenario.seed, name).int(-SKEW_MS, SKEW_MS), time.touch);
  const coordinator: Coordinator = {
    name,
    process,
    leave: new AbortController(),
    log: [],
    journal: [],
    isOver: false,
    isClosing: false,
    isDeposed: false,
    isRefused: false,
  };
  const onEnd = (): void => {
    coordinator.isOver = true;
    note(world, `${name} ended`);
  };
  const onFailure = (thrown: unknown): void => {
    coordinator.isOver = true;
    note(world, `${name} failed: ${describe(thrown)}`);
    coordinator.isDeposed = thrown instanceof ShardlineError && thrown.code === 'taken-over' && coordinators.length > 1;
    coordinator.isRefused = thrown instanceof ShardlineError && thrown.code === 'run-is-served' && coordinators.length > 1;
    if (!coordinator.isDeposed && !coordinator.isRefused) world.failures.push(`${name}: ${describe(thrown)}`);
  };
  process.resume(() => {
    serve(world, coordinator, before).then(onEnd, onFailure);
  });
  coordinators.push(coordinator);
  world.newest ??= coordinator;
}

interface Opened {
  readonly channel: RunChannel;
  readonly state: RunState;
  readonly recorded: Recorded | null;
  /** The number of the last record. */
  readonly seq: number;
}

async function serve(world: World, coordinator: Coordinator, before: Coordinator | null): Promise<void> {
  const { server, network } = world;
  const { process } = coordinator;
  const pools = modelPools({ server, process, network }, { ...NO_VERIFIER, isStrict: world.scenario.isSigned === true });
  try {
    await serveWith(world, coordinator, before, pools);
  } finally {
    pools.disconnect();
  }
}

async function serveWith(world: World, coordinator: Coordinator, before: Coordinator | null, pools: Pools): Promise<void> {
  const { scenario, ended } = world;
  const { name, process, log, journal, leave } = coordinator;
  const aheadMs = aheadOf(await pools.serverNow(POOL), process.clock.now());
  const opened = await (before === null ? open(world, coordinator, pools, aheadMs) : resume(world, coordinator, before, pools));
  if (opened === null) return;
  const { channel, state, recorded, seq } = opened;
  // The record is one file: a coordinator that resumes the run replaces it with its own.
  world.newest = coordinator;
  const isShutOut = (): boolean => world.newest !== coordinator;
  const takenOver = (): ShardlineError => new ShardlineError('taken-over', { runId: world.rank.run });
  const noteEvent = (event: CoordinatorEvent): void => {
    journal.push(event);
    note(world, `${name} ${JSON.stringify(event)}`);
  };
  const address = addressOf(state.opened.spec);
  const inMemory = { append: async (records: readonly LogRecord[]) => void log.push(...records) };
  const appending = createRecorder(inMemory, { address, epoch: channel.epoch, seq });
  const recorder: Recorder = {
    flush: appending.flush,
    add(event) {
      if (event.kind === 'redis-emptied' && isShutOut()) throw takenOver();
      noteEvent(event);
      appending.add(event);
    },
    addEntry(entry) {
      for (const event of [...entry.events, entry.read]) noteEvent(event);
      appending.addEntry(entry);
    },
  };
  let isUsurper = false;
  let final: RunState;
  try {
    const loop = {
      channel,
      state,
      recorded,
      clock: process.clock,
      aheadMs,
      recorder,
      observe: () => undefined,
      planSuite: suitePlanner(scenario),
    };
    final = await runLoop(
      { ...loop, proves: false, noAgentCanCome: null, redisWaitMs: REDIS_WAIT_MS },
      { requested: leave.signal, forced: new AbortController().signal },
    );
  } finally {
    coordinator.isClosing = true;
    const wasShutOut = isShutOut();
    isUsurper = (await isClosed(channel, coordinator)) && wasShutOut && world.newest?.isClosing === false;
  }
  if (isShutOut()) {
    if (isUsurper) world.usurpers.push(name);
    throw takenOver();
  }
  const endedAt = process.clock.now();
  const report = merge(final, { finishedAt: endedAt, mergeSeconds: 0 });
  ended.push({ name, opening: final.opened, journal, state: final, report, endedAt });
}

async function open({ scenario, rank }: World, { process }: Coordinator, pools: Pools, aheadMs: number): Promise<Opened> {
  const opening = openingOf(scenario, rank, process.clock.now(), aheadMs);
  const channel = await pools.openRun(opening.spec);
  return { channel, state: openRun(opening), recorded: null, seq: 0 };
}

/** Resumes the run from the log as it is then; null if the coordinator that it waited for has ended the run. */
async function resume(world: World, coordinator: Coordinator, before: Coordinator, pools: Pools): Promise<Opened | null> {
  const { log, journal } = coordinator;
  const newest = (): Coordinator => world.newest ?? before;
  /** Reads the log as another command does. */
  const read = async () => {
    const copied = [...newest().log];
    log.splice(0, log.length, ...copied);
    journal.length = 0;
    const recorded = await replayLog(copied, 'the log', (event) => void journal.push(event));
    if (recorded === null) throw new Error('the log does not begin with an opening');
    return recorded;
  };
  let recorded = await read();
  const channel = await pools.openRun(recorded.opening.spec, {
    earlier: async () => {
      recorded = await read();
      return { attempts: [...recorded.state.attempts.values()], keys: recorded.keys };
    },
  });
  if (world.ended.some(({ name }) => name === newest().name)) {
    await isClosed(channel, coordinator);
    return null;
  }
  await channel.confirm();
  return { channel, state: recorded.state, recorded, seq: recorded.seq };
}

/** Closes the run within the time for that; was it closed? */
async function isClosed(channel: RunChannel, { process }: Coordinator): Promise<boolean> {
  const late = new AbortController();
  const closed = channel.close().then(() => true);
  const waited = process.clock.wait(CLOSE_MS, late.signal).then(
    () => false,
    () => false,
  );
  try {
    return await Promise.race([closed, waited]);
  } finally {
    late.abort();
  }
}
