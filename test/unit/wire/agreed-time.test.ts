import { expect, test } from 'vitest';
import { aheadOf } from '../../../shared/wire/agreed-time.ts';

test.each([
  [1000.4, 1000, 0],
  [1000, 1000.4, 0],
  [1000, 1400, -400],
])('the agreed clock at %d is ahead of %d by %d whole milliseconds', (agreed, now, ahead) => {
  expect(aheadOf(agreed, now)).toBe(ahead);
});
