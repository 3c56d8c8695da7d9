import { expect, test } from 'vitest';
import { systemClock } from '../../../shared/system/clock.ts';

test('a wait that is longer than a timer can be is waited for all the same', async () => {
  const over = new AbortController();
  const waiting = systemClock.wait(1000 * 3600 * 1000, over.signal).then(
    () => 'passed',
    () => 'aborted',
  );
  // A timer that is asked for too much fires after a millisecond.
  await systemClock.wait(20);
  over.abort();
  expect(await waiting).toBe('aborted');
});
