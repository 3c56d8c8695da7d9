// The agent's life: wait for a run, join it, serve it until it closes, wait for the next. It decides nothing about shards: it runs what it pulls.

import { assertNever } from '../shared/assert-never.ts';
import type { AttemptRequest, InterruptCause } from '../shared/attempt.ts';
import { type Clock, LONGEST_TIMER_MS } from '../shared/clock.ts';
import { ShardlineError } from '../shared/errors.ts';
import type { FilesPrint } from '../shared/fingerprint.ts';
import type { AttemptId } from '../shared/ids.ts';
import type { RunSpec } from '../shared/run-spec.ts';
import { type RunningAttempt, startAttempt } from './attempt.ts';
import { type Candidate, openFitSession } from './fitness.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import type { Engine, JoinedRun, PoolMember, Session } from './ports.ts';
import { coverageSender } from './send-coverage.ts';

export interface AgentIdentity extends Candidate {
  readonly pid: number;
  readonly hashSeed: string | null;
}

/** What pytest is called with on this machine, whatever the run. */
export interface LocalPytest {
  readonly workspace: string;
  readonly python: string;
  readonly numprocesses: string;
  readonly maxAutoWorkers: number;
}

export interface AgentLoop {
  readonly identity: AgentIdentity;
  readonly pytest: LocalPytest;
  readonly member: PoolMember;
  /** The engine that a run asks for. */
  readonly engineFor: (spec: RunSpec) => Engine;
  readonly clock: Clock;
  readonly tellState: (phrase: string, fields: Record<string, unknown>) => void;
  /** Prints a line for the user of this machine. */
  readonly warn: (line: string) => void;
}

export interface LeaveWhen {
  readonly once: boolean;
  /** How long no run may come; null for ever. */
  readonly maxIdleMs: number | null;
}

/**
 * Serves run after run until `shutdown` aborts, until none has come for `maxIdleMs`, or until one run is over when `once`. At shutdown nothing more is pulled, what runs is
 * interrupted with its results kept, and what was not begun is handed back. A run that cannot be served is told
 * and left; with `once` it rejects.
 */
export async function agentLoop(loop: AgentLoop, options: LeaveWhen, shutdown: AbortSignal): Promise<void> {
  while (!shutdown.aborted) {
    const spec = await loop.member.nextRun(untilIdle(options.maxIdleMs, shutdown));
    if (spec === null) return;
    try {
      await serveRun(loop, spec, shutdown);
    } catch (thrown) {
      // One run that cannot be served here, such as one of a newer version, must not cost the pool its agent.
      if (options.once || !(thrown instanceof ShardlineError)) throw thrown;
      loop.tellState(`could not serve run ${spec.runId}: ${thrown.message}`, {});
    }
    if (options.once) return;
  }
}

/** Aborts at shutdown, and after that time. */
const untilIdle = (maxIdleMs: number | null, shutdown: AbortSignal): AbortSignal =>
  maxIdleMs === null ? shutdown : AbortSignal.any([shutdown, AbortSignal.timeout(Math.min(maxIdleMs, LONGEST_TIMER_MS))]);

async function serveRun(loop: AgentLoop, spec: RunSpec, shutdown: AbortSignal): Promise<void> {
  const run = await loop.member.join(spec);
  try {
    const outbox = createOutbox((events) => run.append(events), loop.clock);
    const { session, files } = await openFitSession(loop.identity, spec, outbox, loop.clock, () =>
      loop.engineFor(spec).open({
        agent: loop.identity.id,
        spec,
        room: outbox.room,
        isMoreWaiting: () => run.isMoreWaiting(),
        keepCoverage: coverageSender(run, outbox, loop.identity.id, loop.clock),
        ...loop.pytest,
      }),
    );
    try {
      loop.tellState('joined run', { run: spec.runId, agent: loop.identity.id });
      await serveSession(loop, spec, { run, outbox, session, files }, shutdown);
      loop.tellState('left run', { run: spec.runId, agent: loop.identity.id });
    } finally {
      await session.close();
    }
  } finally {
    await run.leave();
  }
}

interface Serving {
  readonly run: JoinedRun;
  readonly outbox: Outbox;
  readonly session: Session;
  readonly files: FilesPrint | null;
}

async function serveSession(loop: AgentLoop, spec: RunSpec, serving: Serving, shutdown: AbortSignal): Promise<void> {
  const { clock } = loop;
  const { drain } = spec;
  const { run, outbox, session, files } = serving;
  const { id, host, pid, hashSeed, isLocal } = loop.identity;
  const joinedAt = clock.now();
  const running = new Map<AttemptId, RunningAttempt>();
  const cancelled = new Map<AttemptId, InterruptCause>();
  let busySeconds = 0;

  // One controller ends the pull, whoever wants it: the run's end, a cancelled run, or this agent's shutdown.
  const leaving = new AbortController();
  const leave = (by: InterruptCause | 'done'): void => {
    leaving.abort();
    if (by !== 'done') for (const attempt of running.values()) attempt.interrupt(by);
  };
  const onShutdown = (): void => leave('shutdown');
  shutdown.addEventListener('abort', onShutdown, { once: true });

  const serve = async (request: AttemptRequest): Promise<void> => {
    const attempt = startAttempt(request, session, id, outbox, clock);
    running.set(request.id, attempt);
    const cancelledBy = cancelled.get(request.id);
    if (cancelledBy !== undefined) attempt.interrupt(cancelledBy);
    if (shutdown.aborted) attempt.interrupt('shutdown');
    try {
      // Awaited first: others settle meanwhile.
      const seconds = await attempt.settled;
      busySeconds += seconds;
    } finally {
      running.delete(request.id);
    }
  };

  const listening = new AbortController();
  // By the agreed clock, and by itself: the coordinator's word may come late.
  const drained = async (): Promise<void> => {
    if (drain === null) return;
    try {
      await clock.wait(Math.max(0, drain.at - (await run.serverNow())), listening.signal);
      leave('deadline');
    } catch (thrown) {
      if (!listening.signal.aborted) throw thrown;
    }
  };
  const listen = async (): Promise<void> => {
    for await (const command of run.commands(listening.signal)) {
      switch (command.kind) {
        case 'cancel-attempt':
          cancelled.set(command.attempt, command.by);
          running.get(command.attempt)?.interrupt(command.by);
          break;
        case 'dismiss-agent':
          if (command.agent !== id) break;
          loop.warn(`left run ${spec.runId}: ${command.problem}`);
          leave('shutdown');
          return;
        case 'close-run':
          leave(command.by);
          return;
        default:
          assertNever(command);
      }
    }
  };

  const { installed, ...versions } = session.info;
  const fingerprint = { files, python: installed };
  outbox.push({ kind: 'agent-joined', at: joinedAt, agent: { id, host, pid, hashSeed, isLocal, fingerprint, ...versions } });
  const heard = Promise.all([listen(), drained()]).catch((thrown: unknown) => {
    // An agent that cannot hear the coordinator must not go on pulling; what it runs is finished and told.
    leaving.abort();
    throw thrown;
  });
  // Awaited below, when what runs is over.
  heard.catch(() => undefined);
  try {
    if (shutdown.aborted) leave('shutdown');
    await run.pull(() => session.slots, serve, leaving.signal);
  } finally {
    shutdown.removeEventListener('abort', onShutdown);
    listening.abort();
    await Promise.allSettled([...running.values()].map((attempt) => attempt.settled));
  }
  await heard;
  // What fails in the last teardowns belongs to the run.
  await session.close();
  const servedSeconds = ((clock.now() - joinedAt) / 1000) * session.slots;
  outbox.push({
    kind: 'agent-left',
    at: clock.now(),
    agent: id,
    busySeconds,
    idleSeconds: Math.max(0, servedSeconds - busySeconds),
    peakRssBytes: session.peakRssBytes(),
    cpuSeconds: session.cpuSeconds(),
  });
  await outbox.flushed();
}
