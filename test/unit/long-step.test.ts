// The lines that a long step prints.

import { expect, test } from 'vitest';
import type { Clock } from '../../shared/clock.ts';
import { reportLongSteps, type Step } from '../../shared/long-step.ts';

/** A clock whose waits end when the test says so. */
function steppedClock() {
  let now = 0;
  const waits: (() => void)[] = [];
  const clock: Clock = {
    now: () => now,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        waits.push(() => {
          now += ms;
          resolve();
        });
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  };
  return { clock, pass: () => waits.shift()?.() };
}

test('prints after 3 s and then every 5 s how long the current step has taken', async () => {
  const { clock, pass } = steppedClock();
  const lines: string[] = [];
  let step: Step = { name: 'listing', startedAt: 0 };
  const work = Promise.withResolvers<number>();
  const reported = reportLongSteps(
    work.promise,
    () => step,
    (line) => lines.push(line),
    clock,
  );
  pass();
  await expect.poll(() => lines).toEqual(['listing: 3 s so far']);
  step = { name: 'measuring', startedAt: 0 };
  pass();
  await expect.poll(() => lines.at(-1)).toBe('measuring: 8 s so far');
  step = { name: 'reporting', startedAt: 12_000 };
  pass();
  await expect.poll(() => clock.now()).toBe(13_000);
  work.resolve(7);
  expect(await reported).toBe(7);
  expect(lines).toHaveLength(2);
});

test('rejects as the work does', async () => {
  const { clock } = steppedClock();
  const reported = reportLongSteps(
    Promise.reject(new Error('no pytest')),
    () => ({ name: 'listing', startedAt: 0 }),
    () => undefined,
    clock,
  );
  await expect(reported).rejects.toThrow('no pytest');
});
