import { expect, test } from 'vitest';
import { averageWith, SHORT_MS, slotsFor } from '../../../agent/core/attempt-pace.ts';

test('an agent takes one attempt ahead while attempts are long, and one for each worker while they are short', () => {
  expect(slotsFor(4, SHORT_MS)).toBe(5);
  expect(slotsFor(4, SHORT_MS - 1)).toBe(8);
});

test('the average moves a quarter of the way to the latest duration', () => {
  expect(averageWith(250, 50)).toBe(200);
  expect(averageWith(200, 1000)).toBe(400);
});
