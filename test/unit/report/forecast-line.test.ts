// The text of a forecast.

import { expect, test } from 'vitest';
import { lateLine, timeLeft } from '../../../coordinator/reporters/progress/forecast-text.ts';
import { testFile } from '../../../shared/domain/ids.ts';

const late = (agents: number | null, files: number, ...named: string[]) => ({
  secondsLeft: 61.2,
  lateSeconds: 12.3,
  remedy: { agents, workersPerAgent: 4, leaveOut: { files, named: named.map(testFile) } },
});

test('names how late the run is, and every way to fix it', () => {
  expect(timeLeft(late(2, 0))).toBe('done in about 62 s');
  expect(lateLine(late(2, 5, 'a.py', 'b.py', 'c.py'))).toBe(
    'At this rate the run misses its deadline by 13 s. Fix: raise --deadline, add 2 agents (4 workers each), or leave out 5 files: a.py, b.py, c.py and 2 more.',
  );
  expect(lateLine(late(null, 1, 'a.py'))).toBe(
    'At this rate the run misses its deadline by 13 s. Fix: raise --deadline, or leave out 1 file: a.py.',
  );
  expect(lateLine(late(null, 0), 'Earlier runs predict that this run')).toBe(
    'Earlier runs predict that this run misses its deadline by 13 s. Fix: raise --deadline.',
  );
  expect(lateLine({ secondsLeft: 5, lateSeconds: 0, remedy: null })).toBeNull();
  expect(lateLine({ secondsLeft: 5, lateSeconds: null, remedy: null })).toBeNull();
});
