// The slots of this machine, which belong to the agent and not to a session: one for each xdist worker. A run takes a slot before it fetches
// an attempt, and frees it when that attempt has ended. Which run is next, core/slot-order.ts decides. An attempt that must run alone, as
// serial tests do, waits until no other run has a slot. Meanwhile only runs that rank before its own get one, and while it runs, none does.

import { byTurn, ranksBefore, type SlotClaim, type Urgency } from './core/slot-order.ts';
import type { SharedSlots, Slot } from './ports.ts';

/** A run's place at the slots, from its open session until it leaves. */
export interface Seat extends SharedSlots {
  /** Frees the slots of the run at once, also those of attempts that are still stopping. */
  leave(): void;
}

export interface SlotKeeper {
  /** The least number that no other run of this agent has, until `leaveBlock` is called with it. It keeps their worker numbers apart. */
  takeBlock(): number;
  leaveBlock(block: number): void;
  /** Whether more than one run has a seat. */
  isShared(): boolean;
  /** `workers` is the run's number of xdist workers, the same in each session of a machine. */
  enter(urgency: Urgency, workers: number): Seat;
}

/** What the keeper knows about one run. */
interface Held {
  readonly urgency: Urgency;
  readonly workers: number;
  /** The slots that it has: when it took each, in milliseconds. */
  readonly taken: Map<Slot, number>;
  /** Its fetches that wait for a slot, the first one first. */
  readonly asking: Set<(slot: Slot | null) => void>;
  /** Those of its slots whose attempts run alone. */
  readonly alone: Set<Slot>;
  servedMs: number;
}

/** An attempt that waits to run alone. It has no slot meanwhile: two such attempts would wait for each other. */
interface Soloist {
  readonly held: Held;
  readonly begin: (mayBegin: boolean) => void;
}

/** `now` returns milliseconds. */
export function createSlotKeeper(now: () => number): SlotKeeper {
  const seats = new Set<Held>();
  const blocks = new Set<number>();
  const soloists = new Set<Soloist>();
  const isShared = (): boolean => seats.size > 1;

  const claimOf = ({ urgency, taken, servedMs }: Held): SlotClaim => {
    const at = now();
    return { ...urgency, taken: taken.size, servedMs: [...taken.values()].reduce((sum, since) => sum + at - since, servedMs) };
  };
  const release = (held: Held, slot: Slot): void => {
    const since = held.taken.get(slot);
    if (since === undefined) return;
    held.taken.delete(slot);
    held.alone.delete(slot);
    held.servedMs += now() - since;
    handOut();
  };
  const waitAlone = (held: Held, slot: Slot, signal: AbortSignal): Promise<boolean> => {
    if (signal.aborted || !seats.has(held)) return Promise.resolve(false);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const begin = (mayBegin: boolean): void => {
      soloists.delete(soloist);
      if (mayBegin) {
        held.taken.set(slot, now());
        held.alone.add(slot);
      }
      resolve(mayBegin);
    };
    const soloist: Soloist = { held, begin };
    const onAbort = (): void => {
      begin(false);
      handOut();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    soloists.add(soloist);
    release(held, slot);
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  };
  const add = (held: Held): Slot => {
    const slot: Slot = { free: () => release(held, slot), alone: (signal) => waitAlone(held, slot, signal) };
    held.taken.set(slot, now());
    return slot;
  };
  /** A run that is alone also fetches attempts that wait in the agent for a worker, so only its session limits it. */
  const isFree = (): boolean => {
    const all = [...seats];
    return all.length === 1 || all.reduce((sum, { taken }) => sum + taken.size, 0) < Math.max(...all.map(({ workers }) => workers));
  };
  /** Whether no other run has a slot. */
  const isAlone = (held: Held): boolean => [...seats].every((seat) => seat === held || seat.taken.size === 0);
  /** The waiting attempt whose run ranks first; of equals, the one that was fetched first. */
  const firstSoloist = (): Soloist | undefined => {
    const [earliest, ...later] = soloists;
    return later.reduce((first, each) => (first && ranksBefore(each.held.urgency, first.held.urgency) ? each : first), earliest);
  };
  const handOut = (): void => {
    const isAsking = (held: Held): boolean => held.asking.size > 0;
    const mayBegin = ({ held }: Soloist): boolean =>
      isAlone(held) && ![...seats].some((seat) => isAsking(seat) && ranksBefore(seat.urgency, held.urgency));
    let waiting = firstSoloist();
    for (; waiting !== undefined && mayBegin(waiting); waiting = firstSoloist()) waiting.begin(true);
    const alone = [...seats].find((held) => held.alone.size > 0);
    const mayTake = (held: Held): boolean =>
      isAsking(held) &&
      (alone === undefined || held === alone) &&
      (waiting === undefined || ranksBefore(held.urgency, waiting.held.urgency));
    while (isFree()) {
      const [next] = [...seats].filter(mayTake).sort((left, right) => byTurn(claimOf(left), claimOf(right)));
      const [give] = next?.asking ?? [];
      if (next === undefined || give === undefined) return;
      next.asking.delete(give);
      give(add(next));
    }
  };

  return {
    takeBlock() {
      let block = 0;
      while (blocks.has(block)) block += 1;
      blocks.add(block);
      return block;
    },
    leaveBlock: (block) => void blocks.delete(block),
    isShared,
    enter(urgency, workers) {
      // A new run is next among equals, but is not owed the time before it came.
      const servedMs = Math.min(...[...seats].map((seat) => claimOf(seat).servedMs));
      const held: Held = {
        urgency,
        workers,
        taken: new Map(),
        asking: new Set(),
        alone: new Set(),
        servedMs: Number.isFinite(servedMs) ? servedMs : 0,
      };
      seats.add(held);
      return {
        isShared,
        add: () => add(held),
        take(signal) {
          if (signal.aborted || !seats.has(held)) return Promise.resolve(null);
          const { promise, resolve } = Promise.withResolvers<Slot | null>();
          const onAbort = (): void => {
            held.asking.delete(resolve);
            resolve(null);
          };
          signal.addEventListener('abort', onAbort, { once: true });
          held.asking.add(resolve);
          handOut();
          return promise.finally(() => signal.removeEventListener('abort', onAbort));
        },
        leave() {
          seats.delete(held);
          for (const soloist of soloists) if (soloist.held === held) soloist.begin(false);
          for (const resolve of held.asking) resolve(null);
          held.asking.clear();
          handOut();
        },
      };
    },
  };
}
