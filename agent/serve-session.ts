// An open session until its run is over for this agent: pulls attempts, obeys the coordinator's commands, and reports that it left.

import { assertNever } from '../shared/assert-never.ts';
import type { Clock } from '../shared/clock.ts';
import type { AttemptEnding, AttemptRequest, InterruptCause } from '../shared/domain/attempt.ts';
import type { ControlCommand } from '../shared/domain/control.ts';
import type { RunEvent } from '../shared/domain/events.ts';
import type { AgentId } from '../shared/domain/ids.ts';
import type { Drain } from '../shared/domain/run-spec.ts';
import { startAttempt } from './attempt.ts';
import type { Outbox } from './outbox.ts';
import type { JoinedRun, Session } from './ports.ts';
import { keepResourceLease, withoutUnits } from './resource-lease.ts';
import type { RunControl } from './run-control.ts';
import { createRunningAttempts, type RunningAttempts } from './running-attempts.ts';
import type { Seat } from './slot-keeper.ts';

/** An agent with an open session in a run. */
export interface Serving {
  readonly agent: AgentId;
  readonly clock: Clock;
  readonly run: JoinedRun;
  readonly outbox: Outbox;
  readonly control: RunControl;
  readonly session: Session;
  /** Why this agent does not run an attempt; null if it does. */
  readonly refused: (request: AttemptRequest) => Promise<AttemptEnding | null>;
  readonly drain: Drain | null;
  /** The run's place at the slots of this machine; null if the agent serves one run at a time. */
  readonly seat: Seat | null;
  /** Milliseconds since the epoch. */
  readonly joinedAt: number;
  /** Stops reading the run's commands. */
  readonly listening: AbortController;
  /** Receives the problem for which the coordinator dismissed this agent; null if it named none. */
  readonly dismissed: (problem: string | null) => void;
  /** Sends an event now, and again when Redis may have lost it. */
  readonly introduce: (event: RunEvent) => void;
}

/**
 * Serves the run until it closes, its deadline comes, the coordinator dismisses this agent, `shutdown` aborts, or `draining` aborts and what
 * was running then has finished. Closes the session.
 */
export async function serveSession(serving: Serving, shutdown: AbortSignal, draining: AbortSignal): Promise<void> {
  const { agent, clock, run, outbox, control, session, refused, seat, listening } = serving;
  const accepting: Pick<Session, 'run'> = {
    run: async (request, emit, interrupt, drain) =>
      (await refused(request)) ?? (await withoutUnits(run, request)) ?? (await session.run(request, emit, interrupt, drain)),
  };
  const place = { session: accepting, agent, outbox, clock, draining };
  const attempts = createRunningAttempts((request) => startAttempt(request, place), shutdown);
  // One controller stops the pull for every cause: the run's end, a cancelled run, and this agent's drain or shutdown.
  const leaving = new AbortController();
  const leave = (by: InterruptCause | 'done'): void => {
    leaving.abort();
    // Other runs get the slots now, not when the last interrupted test has ended.
    seat?.leave();
    if (by !== 'done') attempts.interruptAll(by);
  };
  const onShutdown = (): void => leave('shutdown');
  shutdown.addEventListener('abort', onShutdown, { once: true });
  const onDrain = (): void => {
    serving.introduce({ kind: 'agent-draining', at: clock.now(), agent });
    leave('done');
  };
  draining.addEventListener('abort', onDrain, { once: true });

  const obeyed = Promise.all([
    control.follow((command) => obey(command, serving, attempts, leave)),
    leaveAtDeadline(serving, leave),
    keepResourceLease(run, attempts, clock, listening.signal),
  ]).catch((thrown: unknown) => {
    // An agent that cannot read the coordinator's commands must stop pulling. It finishes its running attempts and reports them.
    leaving.abort();
    throw thrown;
  });
  // The code below awaits this promise once all running attempts have settled.
  obeyed.catch(() => undefined);
  try {
    if (shutdown.aborted) leave('shutdown');
    if (draining.aborted) onDrain();
    await run.pull(() => session.slots, attempts.serve, leaving.signal, seat);
  } finally {
    shutdown.removeEventListener('abort', onShutdown);
    draining.removeEventListener('abort', onDrain);
    listening.abort();
    seat?.leave();
    await attempts.settled();
  }
  await obeyed;
  // An error in the last teardowns belongs to the run, so the session closes before the agent reports that it left.
  await session.close();
  await reportLeaving(serving, attempts.busySeconds());
}

/** Returns whether to read further commands. */
function obey(
  command: ControlCommand,
  { agent, dismissed }: Serving,
  attempts: RunningAttempts,
  leave: (by: InterruptCause | 'done') => void,
): boolean {
  switch (command.kind) {
    case 'collect':
    case 'list-known':
    case 'introduce-agent':
      return true;
    case 'cancel-attempt':
      attempts.cancel(command.attempt, command.by);
      return true;
    case 'dismiss-agent':
      if (command.agent !== agent) return true;
      dismissed(command.problem);
      leave('shutdown');
      return false;
    case 'close-run':
      leave(command.by);
      return false;
    default:
      return assertNever(command);
  }
}

/** The agent drains by the agreed clock without waiting for the coordinator's command, which may arrive late. */
async function leaveAtDeadline({ drain, clock, run, listening }: Serving, leave: (by: 'deadline') => void): Promise<void> {
  if (drain === null) return;
  try {
    await clock.wait(Math.max(0, drain.at - (await run.serverNow())), listening.signal);
    leave('deadline');
  } catch (thrown) {
    if (!listening.signal.aborted) throw thrown;
  }
}

async function reportLeaving({ agent, clock, outbox, session, joinedAt }: Serving, busySeconds: number): Promise<void> {
  const servedSeconds = ((clock.now() - joinedAt) / 1000) * session.info.workers;
  outbox.push({
    kind: 'agent-left',
    at: clock.now(),
    agent,
    busySeconds,
    idleSeconds: Math.max(0, servedSeconds - busySeconds),
    peakRssBytes: session.peakRssBytes(),
    cpuSeconds: session.cpuSeconds(),
  });
  await outbox.flushed();
}
