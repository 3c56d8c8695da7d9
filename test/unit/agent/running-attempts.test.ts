// Which attempts are interrupted, and whose time counts.

import { expect, test } from 'vitest';
import { createRunningAttempts } from '../../../agent/running-attempts.ts';
import type { AttemptRequest } from '../../../shared/domain/attempt.ts';
import { attemptId, shardId } from '../../../shared/domain/ids.ts';

const requestOf = (number: number): AttemptRequest => {
  const shard = shardId(number);
  return { id: attemptId(shard, 1), shard, fence: 1, role: 'primary', selectors: [], predictedSeconds: 1, avoid: [] };
};

const [first, second] = [requestOf(1), requestOf(2)];

function setUp(shutdown = new AbortController().signal) {
  const interrupted: string[] = [];
  const endings = new Map<string, PromiseWithResolvers<number>>();
  const attempts = createRunningAttempts((request) => {
    const ending = Promise.withResolvers<number>();
    endings.set(request.id, ending);
    return { request, interrupt: (by) => interrupted.push(`${request.id} ${by}`), settled: ending.promise };
  }, shutdown);
  return { attempts, interrupted, end: (request: AttemptRequest) => endings.get(request.id) };
}

test('interrupts a running attempt that is cancelled', () => {
  const { attempts, interrupted } = setUp();
  void attempts.serve(first);
  void attempts.serve(second);
  attempts.cancel(second.id, 'superseded');
  expect(interrupted).toEqual([`${second.id} superseded`]);
});

test('interrupts an attempt that was cancelled before it started', () => {
  const { attempts, interrupted } = setUp();
  attempts.cancel(first.id, 'superseded');
  void attempts.serve(first);
  expect(interrupted).toEqual([`${first.id} superseded`]);
});

test('interrupts an attempt that starts during a shutdown', () => {
  const { attempts, interrupted } = setUp(AbortSignal.abort());
  void attempts.serve(first);
  expect(interrupted).toEqual([`${first.id} shutdown`]);
});

test('interrupts all running attempts, and none that has ended', async () => {
  const { attempts, interrupted, end } = setUp();
  const served = attempts.serve(first);
  void attempts.serve(second);
  end(first)?.resolve(1);
  await served;
  attempts.interruptAll('deadline');
  expect(interrupted).toEqual([`${second.id} deadline`]);
});

test('adds up the time of attempts that ran at the same time', async () => {
  const { attempts, end } = setUp();
  const served = [attempts.serve(first), attempts.serve(second)];
  end(first)?.resolve(2);
  end(second)?.resolve(3);
  await Promise.all(served);
  expect(attempts.busySeconds()).toBe(5);
});

test('waits for attempts that fail, too', async () => {
  const { attempts, end } = setUp();
  const served = attempts.serve(first);
  const settled = attempts.settled();
  end(first)?.reject(new Error('Redis is full'));
  await expect(served).rejects.toThrow('Redis is full');
  await settled;
});
