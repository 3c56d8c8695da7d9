// Keeps the units of resources that a run shares with other runs of its pool: claims and renews them. core/decide/needs decides who gets
// them; this file asks.

import type { Clock } from '../shared/clock.ts';
import type { AttemptId } from '../shared/domain/ids.ts';
import { isSameClaim, type UnitsClaim } from '../shared/domain/leased-units.ts';
import { goneRuns, isDeposed, leaseUnits, type UnitsRequest } from './core/decide/needs/pool-grants.ts';
import { claimsOf } from './core/state/attempts/unit-claims.ts';
import type { RunState } from './core/state/run-state.ts';
import type { Inbox } from './event-queue.ts';
import { passes, refused } from './liveness-monitor.ts';
import type { RunChannel, UnitsStore } from './ports.ts';

/** How often held units are renewed, and how often the run asks while it waits for others, in milliseconds. */
const RENEW_MS = 1000;
const ASK_MS = 500;
/** Attempts to write before the next look. A write fails if another run has written since the look. */
const TRIES = 20;
/** How long the release at the end may take. Otherwise the units come free with their lease. */
const RELEASE_MS = 1000;

export interface UnitsKeeper {
  /** Asks at once if the run claims something else than before. */
  look(): void;
  /** Resolves when `over` has aborted and what the run does not hold any more is released. */
  readonly ended: Promise<void>;
}

export interface UnitsKeeping {
  readonly channel: RunChannel;
  readonly state: RunState;
  readonly inbox: Inbox;
  readonly clock: Clock;
}

/** `store` is null for a run that shares nothing. */
export function keepUnits(keeping: UnitsKeeping, store: UnitsStore | null, over: AbortSignal): UnitsKeeper {
  if (store === null) return { look: () => undefined, ended: Promise.resolve() };
  const { channel, state, inbox, clock } = keeping;
  let asked = '[]';
  let hasClaimed = false;
  let last: Promise<void> = Promise.resolve();
  let wake = Promise.withResolvers<void>();
  over.addEventListener('abort', () => wake.resolve(), { once: true });

  const ask = async (ending?: AbortSignal): Promise<void> => {
    const request: UnitsRequest = { run: channel.runId, epoch: channel.epoch, claims: claimsOf(state), limits: state.opened.resources };
    asked = JSON.stringify(request.claims);
    hasClaimed ||= request.claims.length > 0;
    const granted = await askStore(store, request, ending);
    if (granted !== null) tell(keeping, request.claims, granted);
  };

  const serve = async (): Promise<void> => {
    while (!over.aborted) {
      wake = Promise.withResolvers();
      try {
        last = ask(over);
        // Redis may never answer, so no wait lasts past the end of the run.
        await Promise.race([last, ended(over)]);
      } catch (thrown) {
        if (over.aborted) break;
        refused(inbox, clock, thrown);
        return;
      }
      const isIdle = asked === '[]';
      const isNew = asked !== JSON.stringify(claimsOf(state));
      const waitMs = state.units.wanted.length > 0 ? ASK_MS : RENEW_MS;
      if (isNew || over.aborted) continue;
      const timer = new AbortController();
      await Promise.race([wake.promise, ...(isIdle ? [] : [passes(waitMs, clock, AbortSignal.any([over, timer.signal]))])]);
      timer.abort();
    }
    if (!hasClaimed) return;
    const late = new AbortController();
    // An earlier write that arrives later would claim the units again.
    const release = last.catch(() => undefined).then(() => (late.signal.aborted ? undefined : ask()));
    await Promise.race([release.catch(() => undefined), clock.wait(RELEASE_MS, late.signal).catch(() => undefined)]);
    late.abort();
  };

  return {
    look() {
      if (asked !== JSON.stringify(claimsOf(state))) wake.resolve();
    },
    ended: serve(),
  };
}

const ended = (over: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (over.aborted) resolve();
    else over.addEventListener('abort', () => resolve(), { once: true });
  });

/**
 * Resolves with the granted attempts; null if nothing was written, because other runs write all the time, another coordinator has taken this
 * run over, or `ending` has aborted. Rejects with `units-unreadable` if the run claims units while a run of a newer shardline may hold them.
 */
async function askStore(store: UnitsStore, request: UnitsRequest, ending?: AbortSignal): Promise<ReadonlySet<AttemptId> | null> {
  const isEnding = (): boolean => ending?.aborted === true;
  for (let tries = 0; tries < TRIES && !isEnding(); tries += 1) {
    const { version, now, book, unreadable } = await store.read();
    if (isDeposed(book, request, now) || isEnding()) return null;
    if (unreadable !== null && request.claims.length > 0) throw unreadable;
    const isKnown = book.has(request.run);
    if (request.claims.length === 0 && !isKnown) return new Set();
    const units = request.claims.length === 0 ? null : leaseUnits(book, request, now);
    const gone = goneRuns(book, now).filter((run) => run !== request.run);
    if (await store.write(version, units, gone))
      return new Set(units?.claims.flatMap(({ attempt, isGranted }) => (isGranted ? [attempt] : [])));
  }
  return null;
}

/** Reports what was granted of what the run waits for, if that has changed. The run may claim something else since it has asked. */
function tell({ state, inbox, clock }: UnitsKeeping, asked: readonly UnitsClaim[], all: ReadonlySet<AttemptId>): void {
  const wanted = state.units.wanted.flatMap((claim) => (asked.some((each) => isSameClaim(each, claim)) ? [claim.attempt] : []));
  const [granted, waiting] = [wanted.filter((attempt) => all.has(attempt)), wanted.filter((attempt) => !all.has(attempt))];
  const isSame = isEqual(granted, state.units.granted) && isEqual(waiting, state.units.waiting);
  if (!isSame) inbox.push({ kind: 'units-leased', at: clock.now(), granted, waiting });
}

const isEqual = (list: readonly AttemptId[], set: ReadonlySet<AttemptId>): boolean =>
  list.length === set.size && list.every((id) => set.has(id));
