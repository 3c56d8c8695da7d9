import { expect, test } from 'vitest';
import { systemClock } from '../../../shared/system/clock.ts';

test('waits longer than the longest timer of Node', async () => {
  const over = new AbortController();
  const waiting = systemClock.wait(1000 * 3600 * 1000, over.signal).then(
    () => 'passed',
    () => 'aborted',
  );
  // A timer of Node with too long a delay fires after a millisecond.
  await systemClock.wait(20);
  over.abort();
  expect(await waiting).toBe('aborted');
});

test('rejects with the reason of the signal', async () => {
  const over = new AbortController();
  const waiting = systemClock.wait(3600 * 1000, over.signal);
  over.abort('SIGINT');
  await expect(waiting).rejects.toBe('SIGINT');
  await expect(systemClock.wait(1, over.signal)).rejects.toBe('SIGINT');
});
