// How a running attempt of a session is ended early.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAttemptLog } from '../../../agent/pytest/attempt-log.ts';
import type { FedEnding, Task } from '../../../agent/pytest/fed-task.ts';
import { createInterruptions } from '../../../agent/pytest/session/interruptions.ts';
import { createOpenTasks } from '../../../agent/pytest/session/open-tasks.ts';
import { createFeeding } from '../../../agent/pytest/work-stealing.ts';
import { attemptId, shardId, testFile } from '../../../shared/domain/ids.ts';
import type { Drain } from '../../../shared/domain/run-spec.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(drain: Drain | null = null) {
  const done: string[] = [];
  const endings: FedEnding[] = [];
  const tasks = createOpenTasks();
  const feeding = createFeeding<Task>({ send: () => true, newClaim: () => 'claim', takeBack: () => true, began: tasks.begin });
  const pytest = {
    run: () => Promise.reject(new Error('not started')),
    finish: () => undefined,
    finished: () => null,
    interrupt: () => void done.push('interrupt'),
    kill: () => void done.push('kill'),
    printedBytes: () => 0,
    output: () => '',
  };
  const send = (worker: string, message: object): void => void done.push(`${worker} ${JSON.stringify(message)}`);
  const pidOf = (worker: string): undefined => void done.push(`kill ${worker}`);
  const interruptions = createInterruptions({ drain, feeding, tasks, pytest, send, pidOf });

  const run = () => {
    const interrupt = new AbortController();
    const selectors = [{ kind: 'file', file: testFile('test_a.py') }] as const;
    const log = createAttemptLog(selectors, () => undefined, Date.now);
    const shard = shardId(1);
    const attempt = { id: attemptId(shard, 1), shard, fence: 1, role: 'primary', selectors, predictedSeconds: 1, avoid: [] } as const;
    const task = tasks.open(log, attempt, (ending) => void endings.push(ending));
    const recall = new AbortController();
    const stopListening = interruptions.endWhenAborted(task, { interrupt: interrupt.signal, recall: recall.signal });
    feeding.add(task);
    return { interrupt, recall, stopListening };
  };
  return { done, endings, feeding, interruptions, run };
}

test('settles at once an attempt that no worker has begun', () => {
  const { done, endings, interruptions, run } = setUp();
  run().interrupt.abort('superseded');
  expect(endings).toEqual([{ kind: 'interrupted', by: 'superseded' }]);
  vi.advanceTimersByTime(60_000);
  expect([done, interruptions.hasInterfered()]).toEqual([[], false]);
});

test('settles a recalled attempt that no worker has begun, and lets another finish', () => {
  const { done, endings, feeding, run } = setUp();
  feeding.free('gw0');
  const begun = run();
  const waiting = run();
  begun.recall.abort();
  waiting.recall.abort();
  expect(endings).toEqual([{ kind: 'interrupted', by: 'shutdown' }]);
  vi.advanceTimersByTime(60_000);
  expect(done).toEqual([]);
});

test('asks the worker to stop, and kills only that worker if it does not: the session goes on', () => {
  const { done, feeding, interruptions, run } = setUp();
  feeding.free('gw0');
  run().interrupt.abort('superseded');
  expect([done, interruptions.hasInterfered()]).toEqual([['gw0 {"kind":"stop","task":1}'], false]);
  vi.advanceTimersByTime(60_000);
  expect([done.slice(1), interruptions.hasInterfered()]).toEqual([['kill gw0'], true]);
});

test('does not kill a worker that stops in time', () => {
  const { done, feeding, interruptions, run } = setUp();
  feeding.free('gw0');
  const { interrupt, stopListening } = run();
  interrupt.abort('cancelled');
  stopListening();
  vi.advanceTimersByTime(60_000);
  expect([done, interruptions.hasInterfered()]).toEqual([['gw0 {"kind":"stop","task":1}'], false]);
});

test.each(['cancelled', 'shutdown', 'maxfail'] as const)('tears fixtures down before the kill when the session ends: %s', (cause) => {
  const { done, feeding, run } = setUp();
  for (const worker of ['gw0', 'gw1']) feeding.free(worker);
  for (const { interrupt } of [run(), run()]) interrupt.abort(cause);
  vi.advanceTimersByTime(60_000);
  expect(done.slice(2)).toEqual(['interrupt', 'kill gw0', 'kill gw1']);
});

test('interrupts pytest once at a deadline, then kills each worker and pytest', () => {
  const { done, feeding, interruptions, run } = setUp({ at: 0, interruptMs: 1000, killMs: 2000 });
  for (const worker of ['gw0', 'gw1']) feeding.free(worker);
  for (const { interrupt } of [run(), run()]) interrupt.abort('deadline');
  vi.advanceTimersByTime(1000);
  expect(done.slice(2)).toEqual(['interrupt']);
  vi.advanceTimersByTime(1000);
  expect(done.slice(3)).toEqual(['kill gw0', 'kill', 'kill gw1', 'kill']);
  expect(interruptions.hasInterfered()).toBe(true);
});

test('sends Ctrl-C before the kill when both are due at once', () => {
  const { done, feeding, run } = setUp({ at: 0, interruptMs: 0, killMs: 0 });
  feeding.free('gw0');
  run().interrupt.abort('deadline');
  vi.advanceTimersByTime(1);
  expect(done.slice(1)).toEqual(['interrupt', 'kill gw0', 'kill']);
});
