// How many xdist workers fit into memory, given the memory of one.

import { expect, test } from 'vitest';
import { adviseMemory } from '../../../coordinator/audit/core/memory-advice.ts';

test.each([
  [{ peakRssBytes: 100e6, collectedRssBytes: 90e6, workers: 4 }, 1e9, { fitting: 8, doAllFit: true, limitBytes: null }],
  [{ peakRssBytes: 500e6, collectedRssBytes: 100e6, workers: 4 }, 1e9, { fitting: 1, doAllFit: false, limitBytes: 300e6 }],
  [{ peakRssBytes: 3e9, collectedRssBytes: 0, workers: 1 }, 1e9, { fitting: 1, doAllFit: false, limitBytes: null }],
])('advises how many workers fit: %o in %d bytes', (measured, memoryBytes, advice) => {
  expect(adviseMemory(measured, memoryBytes)).toMatchObject(advice);
});

test('advises nothing when no worker reported its memory', () => {
  expect(adviseMemory({ peakRssBytes: 0, collectedRssBytes: 0, workers: 2 }, 1e9)).toBeNull();
});
