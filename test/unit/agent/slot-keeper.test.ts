import { expect, test } from 'vitest';
import type { Urgency } from '../../../agent/core/slot-order.ts';
import type { SharedSlots, Slot } from '../../../agent/ports.ts';
import { createSlotKeeper } from '../../../agent/slot-keeper.ts';
import { runId } from '../../../shared/domain/ids.ts';

const run = (name: string, given: Partial<Urgency> = {}): Urgency => ({
  runId: runId(name),
  priority: 0,
  drain: null,
  openedAt: 0,
  ...given,
});
const never = new AbortController().signal;

/** Takes slots until one has to wait, as a pull with attempts in its queue does. */
function pulling(seat: SharedSlots): { readonly slots: Slot[] } {
  const slots: Slot[] = [];
  const takeNext = (): void =>
    void seat.take(never).then((slot) => {
      if (slot === null || slots.length === 20) return;
      slots.push(slot);
      takeNext();
    });
  takeNext();
  return { slots };
}
/** What a promise resolved with; undefined while it is open. */
function watched(promise: Promise<boolean> | undefined): { readonly answer: boolean | undefined } {
  const seen: { answer: boolean | undefined } = { answer: undefined };
  void promise?.then((answer) => {
    seen.answer = answer;
  });
  return seen;
}
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
};

test('a run that is alone gets every slot it asks for', async () => {
  const keeper = createSlotKeeper(() => 0);
  const { slots } = pulling(keeper.enter(run('a'), 2));
  await settled();
  expect(slots).toHaveLength(20);
});

test('two runs never have more slots than the machine, and a freed slot goes to the run that has fewer', async () => {
  const keeper = createSlotKeeper(() => 0);
  const [first, second] = [keeper.enter(run('a'), 4), keeper.enter(run('b'), 4)];
  expect(first.isShared()).toBe(true);
  const old = pulling(first);
  await settled();
  expect(old.slots).toHaveLength(4);
  const young = pulling(second);
  await settled();
  expect(young.slots).toHaveLength(0);
  for (const slot of old.slots.slice(0, 2)) {
    slot.free();
    await settled();
  }
  expect([old.slots.length, young.slots.length]).toEqual([4, 2]);
  young.slots[0]?.free();
  await settled();
  expect([old.slots.length, young.slots.length]).toEqual([4, 3]);
});

test('the run of higher priority gets every slot that comes free, and a slot that it does not use goes on', async () => {
  const keeper = createSlotKeeper(() => 0);
  const [low, high] = [keeper.enter(run('low'), 1), keeper.enter(run('high', { priority: 1 }), 1)];
  const held = await low.take(never);
  const asked = { low: low.take(never), high: high.take(never) };
  held?.free();
  const unused = await asked.high;
  expect(unused).not.toBeNull();
  unused?.free();
  expect(await asked.low).not.toBeNull();
});

test('a run that leaves frees its slots at once, and its own fetches end', async () => {
  const keeper = createSlotKeeper(() => 0);
  const [first, second] = [keeper.enter(run('a'), 1), keeper.enter(run('b'), 1)];
  const late = await first.take(never);
  const asked = { first: first.take(never), second: second.take(never) };
  first.leave();
  expect(await asked.first).toBeNull();
  expect(await first.take(never)).toBeNull();
  expect(await asked.second).not.toBeNull();
  late?.free();
  const third = keeper.enter(run('c'), 1);
  const waiting = pulling(third);
  await settled();
  expect(waiting.slots).toHaveLength(0);
});

test('a fetch that is aborted gets no slot, and takes none from others', async () => {
  const keeper = createSlotKeeper(() => 0);
  const [first, second] = [keeper.enter(run('a'), 1), keeper.enter(run('b', { priority: 1 }), 1)];
  const held = await first.take(never);
  const leaving = new AbortController();
  const asked = { first: first.take(never), second: second.take(leaving.signal) };
  leaving.abort();
  expect(await asked.second).toBeNull();
  held?.free();
  expect(await asked.first).not.toBeNull();
});

test('an attempt that runs alone waits until no other run has a slot, and then none gets one', async () => {
  const keeper = createSlotKeeper(() => 0);
  const [first, second] = [keeper.enter(run('a'), 2), keeper.enter(run('b'), 2)];
  const [solo, held] = [await first.take(never), await second.take(never)];
  const waits = watched(solo?.alone(never));
  const other = pulling(second);
  await settled();
  expect([waits.answer, other.slots.length]).toEqual([undefined, 0]);
  held?.free();
  await settled();
  expect([waits.answer, other.slots.length]).toEqual([true, 0]);
  const third = pulling(keeper.enter(run('c', { priority: 2 }), 2));
  await settled();
  expect(third.slots).toHaveLength(0);
  solo?.free();
  await settled();
  expect([other.slots.length, third.slots.length]).toEqual([1, 1]);
});

test.each([
  ['of higher priority', { priority: 10 }],
  ['with a nearer deadline', { drain: { at: 1000 } }],
])('an attempt that waits to run alone takes no slot from a run %s', async (_which, urgency) => {
  const keeper = createSlotKeeper(() => 0);
  const [low, equal, high] = [keeper.enter(run('low'), 8), keeper.enter(run('equal'), 8), keeper.enter(run('high', urgency), 8)];
  const [solo, long] = [await low.take(never), await high.take(never)];
  const waits = watched(solo?.alone(never));
  const [others, urgent] = [pulling(equal), pulling(high)];
  await settled();
  // The run fetches what it has, and one of its fetches waits for a slot.
  expect([waits.answer, others.slots.length, urgent.slots.length]).toEqual([undefined, 0, 7]);
  long?.free();
  await settled();
  expect([waits.answer, others.slots.length, urgent.slots.length]).toEqual([undefined, 0, 8]);
  high.leave();
  await settled();
  expect([waits.answer, others.slots.length]).toEqual([true, 0]);
});

test('an attempt that runs alone begins once a more urgent run has no slot and asks for none', async () => {
  const keeper = createSlotKeeper(() => 0);
  const [low, high] = [keeper.enter(run('low'), 2), keeper.enter(run('high', { priority: 1 }), 2)];
  const [solo, held] = [await low.take(never), await high.take(never)];
  const waits = watched(solo?.alone(never));
  const next = high.take(never);
  held?.free();
  await settled();
  expect(waits.answer).toBeUndefined();
  (await next)?.free();
  await settled();
  expect(waits.answer).toBe(true);
});

test('after an attempt that ran alone, a more urgent run is next, though another one waits to run alone', async () => {
  const keeper = createSlotKeeper(() => 0);
  const [low, high] = [keeper.enter(run('low'), 2), keeper.enter(run('high', { priority: 1 }), 2)];
  const [solo, later] = [await low.take(never), await low.take(never)];
  expect(await solo?.alone(never)).toBe(true);
  const urgent = pulling(high);
  const waits = watched(later?.alone(never));
  await settled();
  expect([waits.answer, urgent.slots.length]).toEqual([undefined, 0]);
  solo?.free();
  await settled();
  expect([waits.answer, urgent.slots.length]).toEqual([undefined, 2]);
});

test('of two attempts that wait to run alone, that of the more urgent run begins first', async () => {
  const keeper = createSlotKeeper(() => 0);
  const seats = [
    keeper.enter(run('a'), 4),
    keeper.enter(run('b', { priority: 1 }), 4),
    keeper.enter(run('c', { priority: 2 }), 4),
  ] as const;
  const [low, high, held] = [await seats[0].take(never), await seats[1].take(never), await seats[2].take(never)];
  const waits = [watched(low?.alone(never)), watched(high?.alone(never))];
  held?.free();
  await settled();
  expect(waits.map(({ answer }) => answer)).toEqual([undefined, true]);
  high?.free();
  await settled();
  expect(waits.map(({ answer }) => answer)).toEqual([true, true]);
});

test('of two attempts that run alone, one of each run, one begins when the other has ended', async () => {
  const keeper = createSlotKeeper(() => 0);
  const seats = [keeper.enter(run('a'), 4), keeper.enter(run('b'), 4), keeper.enter(run('c'), 4)] as const;
  const [first, second, third] = [await seats[0].take(never), await seats[1].take(never), await seats[2].take(never)];
  const waits = [watched(first?.alone(never)), watched(second?.alone(never))];
  await settled();
  expect(waits.map(({ answer }) => answer)).toEqual([undefined, undefined]);
  third?.free();
  await settled();
  expect(waits.map(({ answer }) => answer)).toEqual([true, undefined]);
  const next = pulling(seats[2]);
  first?.free();
  await settled();
  expect(waits.map(({ answer }) => answer)).toEqual([true, true]);
  expect(next.slots).toHaveLength(0);
  second?.free();
  await settled();
  expect(next.slots).toHaveLength(4);
});

test('two attempts of one run that run alone do so beside each other', async () => {
  const keeper = createSlotKeeper(() => 0);
  const [seat] = [keeper.enter(run('a'), 2), keeper.enter(run('b'), 2)];
  const slots = [await seat.take(never), await seat.take(never)];
  expect(await Promise.all(slots.map((slot) => slot?.alone(never)))).toEqual([true, true]);
});

test.each(['aborts', 'leaves'])('an attempt that waits to run alone holds up no other run once it %s', async (how) => {
  const keeper = createSlotKeeper(() => 0);
  const [first, second] = [keeper.enter(run('a'), 2), keeper.enter(run('b'), 2)];
  const [solo, held] = [await first.take(never), await second.take(never)];
  const leaving = new AbortController();
  const waits = watched(solo?.alone(leaving.signal));
  const other = pulling(second);
  await settled();
  expect(other.slots).toHaveLength(0);
  if (how === 'aborts') leaving.abort();
  else first.leave();
  await settled();
  expect([waits.answer, other.slots.length]).toEqual([false, how === 'aborts' ? 1 : 20]);
  held?.free();
  solo?.free();
});

test('runs that are served at once get blocks of worker numbers apart, and a block is used again', () => {
  const keeper = createSlotKeeper(() => 0);
  expect([keeper.takeBlock(), keeper.takeBlock()]).toEqual([0, 1]);
  keeper.leaveBlock(0);
  expect(keeper.takeBlock()).toBe(0);
});
