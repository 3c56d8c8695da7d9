// The lines that a long step prints.

import { expect, test } from 'vitest';
import { sayWhile } from '../../../coordinator/reporters/progress/long-step.ts';
import type { Clock } from '../../../shared/clock.ts';

/** A clock whose waits end when the test says so. */
function steppedClock() {
  const waits: { readonly ms: number; readonly end: () => void }[] = [];
  const clock: Clock = {
    now: () => 0,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        waits.push({ ms, end: resolve });
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  };
  return { clock, waits };
}

test('prints after 3 s and then every 15 s, with what the step is at, until it settles', async () => {
  const { clock, waits } = steppedClock();
  const lines: string[] = [];
  let what = 'listing';
  const step = Promise.withResolvers<number>();
  const said = sayWhile(step.promise, () => what, { write: (text) => lines.push(text) }, clock);
  expect(waits.map(({ ms }) => ms)).toEqual([3000]);
  waits[0]?.end();
  await expect.poll(() => lines).toEqual(['shardline: listing, 3 s so far\n']);
  what = 'measuring';
  waits[1]?.end();
  await expect.poll(() => lines.at(-1)).toBe('shardline: measuring, 18 s so far\n');
  expect(waits.map(({ ms }) => ms)).toEqual([3000, 15_000, 15_000]);
  step.resolve(7);
  expect(await said).toBe(7);
  expect(lines).toHaveLength(2);
});

test('rejects as the step does', async () => {
  const { clock } = steppedClock();
  await expect(sayWhile(Promise.reject(new Error('no pytest')), () => 'listing', { write: () => undefined }, clock)).rejects.toThrow(
    'no pytest',
  );
});
