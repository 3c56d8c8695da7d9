import { expect, test } from 'vitest';
import { createOutbox } from '../../../agent/outbox.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import { agentId, attemptId, fileOf, nodeId, shardId } from '../../../shared/domain/ids.ts';

const shard = shardId(1);
const told = (at: number, text: string): RunEvent => {
  const nodeid = nodeId('test_a.py::test_x');
  const result = {
    nodeid,
    file: fileOf(nodeid),
    line: 1,
    startedAt: at,
    seconds: 1,
    setupSeconds: 0,
    isCrash: false,
    worker: 'gw0',
    outcome: 'failed',
    message: text,
    brief: null,
  } as const;
  return {
    kind: 'attempt-reported',
    agent: agentId('a1'),
    attempt: attemptId(shard, 1),
    shard,
    event: { kind: 'test-finished', at, result: { ...result, sections: [] } },
  };
};

/** An append that waits until it is released, one batch at a time. */
function heldAppend() {
  const batches: (readonly RunEvent[])[] = [];
  let gate = Promise.withResolvers<void>();
  return {
    batches,
    append: async (events: readonly RunEvent[]): Promise<void> => {
      batches.push(events);
      await gate.promise;
    },
    release(): void {
      gate.resolve();
      gate = Promise.withResolvers<void>();
    },
    fail(problem: Error): void {
      gate.reject(problem);
    },
  };
}

/** No time passes between two appends. */
const noWait = { wait: async () => undefined };

test('sends events in order, and sends those pushed during an append in the next batch', async () => {
  const held = heldAppend();
  const outbox = createOutbox(held.append, noWait);
  const events = [1, 2, 3].map((at) => told(at, ''));
  for (const event of events) outbox.push(event);
  held.release();
  await Promise.resolve();
  const flushed = outbox.flushed();
  held.release();
  await new Promise(setImmediate);
  held.release();
  await flushed;
  expect(held.batches.flat()).toEqual(events);
});

test('has room until the waiting events exceed the limit, and again once at most half of the limit waits', async () => {
  const held = heldAppend();
  const outbox = createOutbox(held.append, noWait, 10_000);
  outbox.push(told(1, 'x'.repeat(6000)));
  expect(outbox.room()).toBeNull();
  outbox.push(told(2, 'x'.repeat(6000)));
  const room = outbox.room();
  expect(room).not.toBeNull();
  held.release();
  await new Promise(setImmediate);
  held.release();
  await room;
  expect(outbox.room()).toBeNull();
  await outbox.flushed();
});

test('a failed append ends the wait for room, and flushing rejects with its error', async () => {
  const held = heldAppend();
  const outbox = createOutbox(held.append, noWait, 100);
  outbox.push(told(1, 'x'.repeat(6000)));
  const room = outbox.room();
  held.fail(new Error('no'));
  await room;
  expect(outbox.room()).toBeNull();
  await expect(outbox.flushed()).rejects.toThrow('no');
});

test('never sends an event pushed after a failed append, and flushing still rejects', async () => {
  const held = heldAppend();
  const outbox = createOutbox(held.append, noWait);
  outbox.push(told(1, ''));
  held.fail(new Error('no'));
  await expect(outbox.flushed()).rejects.toThrow('no');
  // A wait for it would loop forever and block this process.
  outbox.push(told(2, ''));
  await expect(outbox.flushed()).rejects.toThrow('no');
  expect(held.batches.length).toBe(1);
});

test('delays the next append to batch more events, unless a flush waits for it', async () => {
  const batches: (readonly RunEvent[])[] = [];
  const isOver = Promise.withResolvers<void>();
  const clock = {
    wait: (_ms: number, signal?: AbortSignal): Promise<void> =>
      Promise.race([isOver.promise, new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))]),
  };
  const outbox = createOutbox(async (events) => void batches.push(events), clock);
  const [first, second, third, fourth] = [1, 2, 3, 4].map((at) => told(at, '')) as [RunEvent, RunEvent, RunEvent, RunEvent];
  outbox.push(first);
  await new Promise(setImmediate);
  outbox.push(second);
  outbox.push(third);
  await new Promise(setImmediate);
  expect(batches).toEqual([[first]]);
  await outbox.flushed();
  expect(batches).toEqual([[first], [second, third]]);
  outbox.push(fourth);
  await new Promise(setImmediate);
  expect(batches).toEqual([[first], [second, third], [fourth]]);
});
