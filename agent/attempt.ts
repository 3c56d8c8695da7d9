// One attempt from fetched to stored: starts it, runs it in the session, and reports its ending. The first cause of an interruption wins.

import type { Clock } from '../shared/clock.ts';
import type { AttemptEnding, AttemptRequest, InterruptCause } from '../shared/domain/attempt.ts';
import type { AttemptEvent } from '../shared/domain/events.ts';
import type { AgentId } from '../shared/domain/ids.ts';
import type { Outbox } from './outbox.ts';
import type { Session } from './ports.ts';

/** A running attempt, as the agent loop holds it. */
export interface RunningAttempt {
  readonly request: AttemptRequest;
  /** Stops the attempt early. Only the first cause counts. */
  interrupt(by: InterruptCause): void;
  /** Resolves once its ending and every earlier result are stored, with the seconds in which its workers collected and ran tests. */
  readonly settled: Promise<number>;
}

/** Where an attempt runs, and for whom. */
export interface AttemptPlace {
  readonly session: Pick<Session, 'run'>;
  readonly agent: AgentId;
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** Aborts when the agent drains: it hands back what no xdist worker has begun. */
  readonly draining: AbortSignal;
}

/** Starts `request` in the session and sends its events through the outbox. */
export function startAttempt(request: AttemptRequest, { session, agent, outbox, clock, draining }: AttemptPlace): RunningAttempt {
  const aborter = new AbortController();
  let cause: InterruptCause | null = null;
  const about = { agent, attempt: request.id, shard: request.shard };

  const run = async (): Promise<number> => {
    const startedAt = clock.now();
    let workSeconds = 0;
    outbox.push({ kind: 'attempt-started', at: startedAt, ...about, fence: request.fence, role: request.role });
    const report = (event: AttemptEvent): void => {
      workSeconds += workSecondsIn(event);
      outbox.push({ kind: 'attempt-reported', ...about, event });
    };
    const ended = await session.run(request, report, aborter.signal, draining);
    const seconds = (clock.now() - startedAt) / 1000;
    outbox.push({ kind: 'attempt-ended', at: clock.now(), ...about, ending: withCause(ended, cause), seconds });
    await outbox.flushed();
    return workSeconds;
  };

  return {
    request,
    interrupt(by) {
      cause ??= by;
      aborter.abort(cause);
    },
    settled: run(),
  };
}

/** An attempt also waits at its worker, behind others, which is no work. */
function workSecondsIn(event: AttemptEvent): number {
  if (event.kind === 'collected') return event.seconds;
  return event.kind === 'test-finished' ? event.result.seconds : 0;
}

/** The session knows only that it was interrupted; the agent knows why. A session that finished or crashed first keeps its own ending. */
function withCause(ending: AttemptEnding, cause: InterruptCause | null): AttemptEnding {
  return ending.kind === 'interrupted' && cause !== null ? { kind: 'interrupted', by: cause } : ending;
}
