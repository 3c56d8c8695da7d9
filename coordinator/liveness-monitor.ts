// Polls Redis during a run: presence once a second, connections several times a second. It also sends ticks and detects that Redis no
// longer answers. core/decide/liveness.ts interprets the answers.

import type { Clock } from '../shared/clock.ts';
import { reasonOf, ShardlineError } from '../shared/errors.ts';
import { disconnectedNow, forgetConnections, isListingDue, noSuspicions, noticed } from './core/decide/liveness.ts';
import { isNews } from './core/state/agents/absences.ts';
import type { OwnEvent } from './core/state/events.ts';
import { livingAgents, type RunState } from './core/state/run-state.ts';
import type { Inbox } from './event-queue.ts';
import type { RunChannel } from './ports.ts';

/** Interval of presence checks and ticks. An agent's presence key outlives several of these. */
const LOOK_MS = 1000;
/** Interval of looks at the pool while no agent serves the run: its agents say every 2 s what they decline. */
const POOL_MS = 2000;
/** Interval of connection checks. */
const CONNECTIONS_MS = 200;
/** How many agents one connection check may ask for; with more agents the interval grows. */
const AGENTS_A_LOOK = 100;

export interface LookOut {
  readonly channel: RunChannel;
  readonly state: () => RunState;
  readonly inbox: Inbox;
  readonly clock: Clock;
  /** How long Redis may be silent before the run ends with the results it has. */
  readonly redisWaitMs: number;
}

/** Polls until `over` aborts, or until Redis is silent for too long. */
export async function lookOut({ channel, state, inbox, clock, redisWaitMs }: LookOut, over: AbortSignal): Promise<void> {
  const suspicions = noSuspicions();
  let answeredAt = clock.now();
  let isAsking = false;
  const ended = new Promise<null>((resolve) => over.addEventListener('abort', () => resolve(null), { once: true }));

  const ask = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    // Redis can only miss an agent that the state listed as alive before the request.
    const living = livingAgents(state());
    try {
      const isListing = isListingDue(suspicions, state(), clock.now());
      const presence = await (isListing ? channel.presence() : channel.presenceBesideQueue());
      answeredAt = clock.now();
      if (presence.kind === 'emptied') inbox.push({ kind: 'redis-emptied', at: answeredAt, isMissing: presence.isMissing });
      if (presence.kind === 'here' && presence.isCancelled && state().interruptedBy === null)
        inbox.push({ kind: 'interrupt-requested', at: answeredAt, by: 'cancel' });
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
        // Redis may never answer, so no wait lasts past the end of the run.
        const connected = await Promise.race([channel.connected(livingAgents(state())), ended]);
        if (over.aborted) return;
        if (connected === null) forgetConnections(suspicions);
        else if (disconnectedNow(suspicions, connected, state(), clock.now()).length > 0) await Promise.race([ask(), ended]);
      } catch (thrown) {
        if (!over.aborted) refused(inbox, clock, thrown);
        return;
      }
    }
  };

  const watchPool = async (): Promise<void> => {
    while (await passes(POOL_MS, clock, over)) {
      const { aloneSince, closed, opened } = state();
      if (aloneSince === null || closed !== null || opened.onlyAgents !== null) continue;
      // Only explains the wait: a Redis that does not answer is noticed by the look at the run.
      const absences = await Promise.race([channel.absences(new Set(state().agents.keys())).catch(() => null), ended]);
      if (absences === null || over.aborted || state().aloneSince === null) continue;
      if (isNews(state(), absences)) inbox.push({ kind: 'pool-seen', at: clock.now(), absences });
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

  await Promise.all([look(), watchConnections(), watchPool()]);
}

/** Applies a failed Redis call to the run: `taken-over` stops this coordinator at once, any other error counts as `redis-lost`. */
export function refused(inbox: Inbox, clock: Clock, thrown: unknown): void {
  if (thrown instanceof ShardlineError && thrown.code === 'taken-over') inbox.fail(thrown);
  else inbox.push(redisLost(clock, thrown));
}

/** Waits; false if the run was over before `ms` had passed. */
export async function passes(ms: number, clock: Clock, over: AbortSignal): Promise<boolean> {
  try {
    await clock.wait(ms, over);
    return !over.aborted;
  } catch (thrown) {
    if (over.aborted) return false;
    throw thrown;
  }
}

const redisLost = (clock: Clock, thrown: unknown): OwnEvent => ({
  kind: 'redis-lost',
  at: clock.now(),
  message: reasonOf(thrown),
});
