// What a coordinator does with its lease between the end of the run loop and the report.

import { expect, test } from 'vitest';
import { holdRun } from '../../coordinator/commands/run-context.ts';

test('renews the lease until the work is done', async () => {
  const work = Promise.withResolvers<void>();
  let renewals = 0;
  const confirm = async (): Promise<void> => {
    renewals += 1;
    if (renewals === 2) work.resolve();
  };
  await holdRun({ confirm }, 60_000, work.promise);
  expect(renewals).toBe(2);
});

test('rejects when another coordinator has taken over, and waits no longer than the limit', async () => {
  const never = Promise.withResolvers<void>().promise;
  await expect(holdRun({ confirm: () => Promise.reject(new Error('taken over')) }, 60_000, never)).rejects.toThrow('taken over');
  await holdRun({ confirm: () => never }, 1100, never);
  await holdRun({ confirm: () => never }, 0, never);
});
