// Looks into Redis while a run is on: who is alive and at what, once a second; whose connection is gone, several times a second. Lets time pass,
// and notices when Redis no longer answers. What it all amounts to is core's.

import type { Clock } from '../shared/clock.ts';
import { messageOf, ShardlineError } from '../shared/errors.ts';
import { disconnectedNow, forgetConnections, noSuspicions, noticed } from './core/decide/liveness.ts';
import type { CoordinatorEvent } from './core/state/events.ts';
import { livingAgents, type RunState } from './core/state/run-state.ts';
import type { Inbox } from './event-queue.ts';
import type { RunChannel } from './ports.ts';

/** How often the run looks who is alive and lets time pass. An agent's presence outlives it by a few of these. */
const LOOK_MS = 1000;
/** How often it looks whose connection is gone. */
const CONNECTIONS_MS = 200;
/** How many agents one such look may ask for; with more it looks less often. */
const AGENTS_A_LOOK = 100;

export interface LookOut {
  readonly channel: RunChannel;
  readonly state: () => RunState;
  readonly inbox: Inbox;
  readonly clock: Clock;
  /** How long Redis may be silent before the run ends with what it has. */
  readonly redisWaitMs: number;
}

/** Until `over` aborts, or Redis is silent for too long. */
export async function lookOut({ channel, state, inbox, clock, redisWaitMs }: LookOut, over: AbortSignal): Promise<void> {
  const suspicions = noSuspicions();
  let answeredAt = clock.now();
  let isAsking = false;
  const ended = new Promise<null>((resolve) => over.addEventListener('abort', () => resolve(null), { once: true }));

  const ask = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    // Only who was known to live when Redis was asked can be missing from its answer.
    const living = livingAgents(state());
    try {
      const presence = await channel.presence();
      answeredAt = clock.now();
      if (presence.kind === 'emptied') inbox.push({ kind: 'redis-emptied', at: answeredAt, isMissing: presence.isMissing });
      if (presence.kind === 'here') inbox.push(...noticed(state(), suspicions, living, presence, answeredAt));
    } catch (thrown) {
      if (!over.aborted) refused(inbox, clock, thrown);
    } finally {
      isAsking = false;
    }
  };

  const watchConnections = async (): Promise<void> => {
    const waitMs = (): number => CONNECTIONS_MS * Math.max(1, Math.ceil(state().agents.size / AGENTS_A_LOOK));
    while (await passes(waitMs(), clock, over)) {
      try {
        // Redis may be away for good: nobody waits for its answer longer than the run.
        const connected = await Promise.race([channel.connected(livingAgents(state())), ended]);
        if (over.aborted) return;
        if (connected === null) forgetConnections(suspicions);
        else if (disconnectedNow(suspicions, connected, state(), clock.now()).length > 0) await ask();
      } catch (thrown) {
        if (!over.aborted) refused(inbox, clock, thrown);
        return;
      }
    }
  };

  const look = async (): Promise<void> => {
    while (await passes(LOOK_MS, clock, over)) {
      void ask();
      const silenceMs = clock.now() - answeredAt;
      if (silenceMs > redisWaitMs) {
        inbox.push({
          kind: 'redis-lost',
          at: clock.now(),
          message: `no usable answer for ${Math.round(silenceMs / 1000)} s`,
        });
        return;
      }
      inbox.push({ kind: 'tick', at: clock.now() });
    }
  };

  await Promise.all([look(), watchConnections()]);
}

/** What an answer of Redis that is none means for the run: without Redis it ends; of a run that another coordinates nothing is left to do. */
export function refused(inbox: Inbox, clock: Clock, thrown: unknown): void {
  if (thrown instanceof ShardlineError && thrown.code === 'taken-over') inbox.fail(thrown);
  else inbox.push(redisLost(clock, thrown));
}

/** Did `ms` pass before the run was over? */
export async function passes(ms: number, clock: Clock, over: AbortSignal): Promise<boolean> {
  try {
    await clock.wait(ms, over);
    return !over.aborted;
  } catch (thrown) {
    if (over.aborted) return false;
    throw thrown;
  }
}

const redisLost = (clock: Clock, thrown: unknown): CoordinatorEvent => ({
  kind: 'redis-lost',
  at: clock.now(),
  message: messageOf(thrown),
});
