// What happens to an attempt whose worker died.

import { expect, test } from 'vitest';
import { afterLoss } from '../../../agent/core/after-loss.ts';

const loss = { isWorkLeft: true, isStopped: false, isBlamed: false, unexplained: 1 };

test.each([
  ['no work is left, even if it had to stop', { ...loss, isWorkLeft: false, isStopped: true }, 'finished'],
  ['it had to stop', { ...loss, isStopped: true, isBlamed: true }, 'crashed'],
  ['a test is to blame, however many workers died before', { ...loss, isBlamed: true, unexplained: 9 }, 'again'],
  ['no test is to blame for the second time', { ...loss, unexplained: 2 }, 'again'],
  ['no test is to blame for the third time', { ...loss, unexplained: 3 }, 'crashed'],
] as const)('when %s: %j gives %s', (_when, given, outcome) => {
  expect(afterLoss(given)).toBe(outcome);
});
