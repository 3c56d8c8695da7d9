// The agent's life: waits for a run, joins it, serves it until it closes, and waits for the next. It decides nothing about shards: it runs
// the attempts it pulls.

import { assertNever } from '../shared/assert-never.ts';
import type { Clock } from '../shared/clock.ts';
import type { AttemptRequest, InterruptCause } from '../shared/domain/attempt.ts';
import type { ControlCommand } from '../shared/domain/control.ts';
import type { RunEvent } from '../shared/domain/events.ts';
import type { FilesPrint } from '../shared/domain/fingerprint.ts';
import type { AttemptId } from '../shared/domain/ids.ts';
import type { RunSpec } from '../shared/domain/run-spec.ts';
import { ShardlineError } from '../shared/errors.ts';
import { aheadOf, inTimeOf } from '../shared/wire/agreed-time.ts';
import { type RunningAttempt, startAttempt } from './attempt.ts';
import { type Candidate, printOwnFiles, refuseOtherFiles, unfitBecause } from './fitness.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { type Engine, type JoinedRun, type PoolMember, RunOver, type Session } from './ports.ts';
import { followControl, type RunControl } from './run-control.ts';
import { coverageSender } from './send-coverage.ts';
import type { NumberScope } from './worker-numbers.ts';

export interface AgentIdentity extends Candidate {
  readonly pid: number;
  readonly hashSeed: string | null;
}

/** The pytest settings of this machine. They are the same for every run. */
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
  readonly engine: Engine;
  readonly clock: Clock;
  readonly tellState: (phrase: string, fields: Record<string, unknown>) => void;
  /** Prints a line for the user of this machine. */
  readonly warn: (line: string) => void;
}

export interface LeaveWhen {
  readonly once: boolean;
  /** Longest wait for a run, in milliseconds; null waits without limit. */
  readonly maxIdleMs: number | null;
}

/**
 * Serves run after run. Returns when `shutdown` aborts, when no run opens within `maxIdleMs`, or, with `once`, after one run. At shutdown
 * the agent pulls nothing more, interrupts running attempts and keeps their results, and hands back the attempts it did not begin.
 * If it cannot serve a run, it reports the error and waits for the next run; with `once` it rejects.
 */
export async function agentLoop(loop: AgentLoop, options: LeaveWhen, shutdown: AbortSignal): Promise<void> {
  while (!shutdown.aborted) {
    const spec = await nextRun(loop, options.maxIdleMs, shutdown);
    if (spec === null) return;
    try {
      await serveRun(loop, spec, shutdown);
    } catch (thrown) {
      // One run that this agent cannot serve, such as one of a newer version, must not cost the pool its agent.
      if (options.once || !(thrown instanceof ShardlineError)) throw thrown;
      loop.tellState(`could not join run ${spec.runId}: ${thrown.message}`, {});
    }
    if (options.once) return;
  }
}

/** Returns null at shutdown, and when no run opens within `maxIdleMs`. */
async function nextRun({ member, clock }: AgentLoop, maxIdleMs: number | null, shutdown: AbortSignal): Promise<RunSpec | null> {
  if (maxIdleMs === null) return await member.nextRun(shutdown);
  const idle = new AbortController();
  const waited = new AbortController();
  void clock.wait(maxIdleMs, waited.signal).then(
    () => idle.abort(),
    () => undefined,
  );
  try {
    return await member.nextRun(AbortSignal.any([shutdown, idle.signal]));
  } finally {
    waited.abort();
  }
}

async function serveRun(loop: AgentLoop, spec: RunSpec, shutdown: AbortSignal): Promise<void> {
  const { clock, identity } = loop;
  const run = await loop.member.join(spec);
  const listening = new AbortController();
  try {
    /** The events that introduce this agent. It sends them again when they may have been lost; a duplicate changes nothing. */
    const introduction: RunEvent[] = [];
    const control = followControl(run, identity.id, listening.signal, () => {
      for (const event of introduction) outbox.push(event);
    });
    const aheadMs = aheadOf(await run.serverNow(), clock.now());
    const outbox = createOutbox((events) => run.append(events.map((event) => inTimeOf(event, aheadMs))), clock);
    const joinedAt = clock.now();
    const introduce = (event: RunEvent): void => {
      introduction.push(event);
      outbox.push(event);
    };
    const session = await openSession(loop, spec, { run, outbox, control, introduce }, shutdown);
    if (session === null) {
      warnOfDismissal(loop, spec, control.dismissal());
      return;
    }
    try {
      loop.tellState('joined run', { run: spec.runId, agent: identity.id });
      await serveSession(loop, spec, { run, outbox, control, session, joinedAt, listening }, shutdown);
      loop.tellState('left run', { run: spec.runId, agent: identity.id });
    } finally {
      await session.close();
    }
  } finally {
    listening.abort();
    await run.leave();
  }
}

/** The counter of the run that numbers what is unique within `scope`. */
function counterOf(scope: NumberScope, host: string, workspace: string): string {
  switch (scope) {
    case 'fleet':
      return 'fleet';
    case 'machine':
      return `machine ${host}`;
    case 'workspace':
      return `workspace ${host} ${workspace}`;
    default:
      return assertNever(scope);
  }
}

/** Prints the reason for the user of this machine, who may not see the coordinator's output. */
function warnOfDismissal({ warn }: AgentLoop, { runId }: RunSpec, problem: string | null): void {
  if (problem !== null) warn(`left run ${runId}: ${problem}`);
}

/**
 * Opens a session for the run. Returns null when the run ends, or the agent has to leave, before the session is open.
 * Reports a workspace that differs from the run's, and a pytest that does not start, to the coordinator: users do not read the logs of all
 * machines.
 */
async function openSession(
  { clock, engine, identity, pytest }: AgentLoop,
  spec: RunSpec,
  { run, outbox, control, introduce }: Pick<Serving, 'run' | 'outbox' | 'control'> & { readonly introduce: (event: RunEvent) => void },
  shutdown: AbortSignal,
): Promise<Session | null> {
  const closed = new AbortController();
  void control.closed.then(() => closed.abort());
  const { id, host, pid, hashSeed, isLocal } = identity;
  let isJoined = false;
  let files: FilesPrint | null = null;
  try {
    files = await printOwnFiles(identity, spec);
    refuseOtherFiles(identity, spec, files);
    return await engine.open({
      agent: id,
      spec,
      ending: AbortSignal.any([closed.signal, shutdown]),
      collect: control.collect,
      started(info) {
        if (isJoined) return;
        isJoined = true;
        const { installed, ...versions } = info;
        const fingerprint = { files, python: installed };
        introduce({ kind: 'agent-joined', at: clock.now(), agent: { id, host, pid, hashSeed, isLocal, fingerprint, ...versions } });
      },
      listed: (list) =>
        introduce({
          kind: 'suite-listed',
          at: clock.now(),
          agent: id,
          list: control.isKnown(list.hash) ? { ...list, groups: [], proof: null } : list,
        }),
      inseparable: (why, lacksModules) => outbox.push({ kind: 'suite-inseparable', at: clock.now(), agent: id, why, lacksModules }),
      show: (shown) => outbox.push({ kind: 'session-shown', at: clock.now(), agent: id, shown }),
      ended: (ending) => outbox.push({ kind: 'session-ended', at: clock.now(), agent: id, ...ending }),
      refused: (message) => outbox.push({ kind: 'suite-refused', at: clock.now(), agent: id, message }),
      room: outbox.room,
      isMoreWaiting: () => run.isMoreWaiting(),
      claimNumbers: (scope, count, floor) => run.claimNumbers(counterOf(scope, host, pytest.workspace), count, floor),
      keepCoverage: coverageSender(run, outbox, id, clock),
      ...pytest,
    });
  } catch (thrown) {
    if (thrown instanceof ShardlineError) {
      const fingerprint = { files, python: null };
      outbox.push({ kind: 'agent-unfit', at: clock.now(), agent: id, host, ...unfitBecause(thrown), fingerprint });
    } else if (isJoined) {
      outbox.push({ kind: 'agent-left', at: clock.now(), agent: id, busySeconds: 0, idleSeconds: 0, peakRssBytes: 0, cpuSeconds: 0 });
    }
    await outbox.flushed();
    if (thrown instanceof RunOver) return null;
    throw thrown;
  }
}

interface Serving {
  readonly run: JoinedRun;
  readonly outbox: Outbox;
  readonly control: RunControl;
  readonly session: Session;
  readonly joinedAt: number;
  /** Stops reading the run's commands. */
  readonly listening: AbortController;
}

async function serveSession(
  loop: AgentLoop,
  spec: RunSpec,
  { run, outbox, control, session, joinedAt, listening }: Serving,
  shutdown: AbortSignal,
): Promise<void> {
  const { clock } = loop;
  const { drain } = spec;
  const { id } = loop.identity;
  const running = new Map<AttemptId, RunningAttempt>();
  const cancelled = new Map<AttemptId, InterruptCause>();
  let busySeconds = 0;

  // One controller stops the pull for every cause: the run's end, a cancelled run, and this agent's shutdown.
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
      // A separate await: `busySeconds += await …` would read the sum too early, and other attempts settle meanwhile.
      const seconds = await attempt.settled;
      busySeconds += seconds;
    } finally {
      running.delete(request.id);
    }
  };

  // The agent drains by the agreed clock without waiting for the coordinator's command, which may arrive late.
  const drained = async (): Promise<void> => {
    if (drain === null) return;
    try {
      await clock.wait(Math.max(0, drain.at - (await run.serverNow())), listening.signal);
      leave('deadline');
    } catch (thrown) {
      if (!listening.signal.aborted) throw thrown;
    }
  };
  /** Returns whether to read further commands. */
  const act = (command: ControlCommand): boolean => {
    switch (command.kind) {
      case 'collect':
      case 'list-known':
        return true;
      case 'cancel-attempt':
        cancelled.set(command.attempt, command.by);
        running.get(command.attempt)?.interrupt(command.by);
        return true;
      case 'dismiss-agent':
        if (command.agent !== id) return true;
        warnOfDismissal(loop, spec, command.problem);
        leave('shutdown');
        return false;
      case 'close-run':
        leave(command.by);
        return false;
      default:
        return assertNever(command);
    }
  };

  const heard = Promise.all([control.follow(act), drained()]).catch((thrown: unknown) => {
    // An agent that cannot read the coordinator's commands must stop pulling. It finishes its running attempts and reports them.
    leaving.abort();
    throw thrown;
  });
  // The code below awaits this promise once all running attempts have settled.
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
  // An error in the last teardowns belongs to the run, so the session closes before the agent reports that it left.
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
