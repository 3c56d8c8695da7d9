// One attempt from fetched to stored: starts it, runs it in the session, and reports its ending. The first cause of an interruption wins.

import type { Clock } from '../shared/clock.ts';
import type { AttemptEnding, AttemptRequest, InterruptCause } from '../shared/domain/attempt.ts';
import type { AgentId } from '../shared/domain/ids.ts';
import type { Outbox } from './outbox.ts';
import type { Session } from './ports.ts';

/** A running attempt, as the agent loop holds it. */
export interface RunningAttempt {
  readonly request: AttemptRequest;
  /** Stops the attempt early. Only the first cause counts. */
  interrupt(by: InterruptCause): void;
  /** Resolves with the attempt's duration in seconds once its ending and every earlier result are stored. */
  readonly settled: Promise<number>;
}

/** Starts `request` in `session` and sends its events through `outbox`. */
export function startAttempt(request: AttemptRequest, session: Session, agent: AgentId, outbox: Outbox, clock: Clock): RunningAttempt {
  const aborter = new AbortController();
  let cause: InterruptCause | null = null;
  const about = { agent, attempt: request.id, shard: request.shard };

  const run = async (): Promise<number> => {
    const startedAt = clock.now();
    outbox.push({ kind: 'attempt-started', at: startedAt, ...about, fence: request.fence, role: request.role });
    const ended = await session.run(request, (event) => outbox.push({ kind: 'attempt-reported', ...about, event }), aborter.signal);
    const seconds = (clock.now() - startedAt) / 1000;
    outbox.push({ kind: 'attempt-ended', at: clock.now(), ...about, ending: withCause(ended, cause), seconds });
    await outbox.flushed();
    return seconds;
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

/** The session knows only that it was interrupted; the agent knows why. A session that finished or crashed first keeps its own ending. */
function withCause(ending: AttemptEnding, cause: InterruptCause | null): AttemptEnding {
  return ending.kind === 'interrupted' && cause !== null ? { kind: 'interrupted', by: cause } : ending;
}
