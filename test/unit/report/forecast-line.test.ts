// A forecast in words.

import { expect, test } from 'vitest';
import { lateLine, timeLeft } from '../../../coordinator/reporters/progress/forecast-text.ts';
import { testFile } from '../../../shared/domain/ids.ts';

const late = (agents: number | null, files: number, ...named: string[]) => ({
  secondsLeft: 61.2,
  lateSeconds: 12.3,
  remedy: { agents, workersPerAgent: 4, leaveOut: { files, named: named.map(testFile) } },
});

test('what is said is by how much, and every way to mend it', () => {
  expect(timeLeft(late(2, 0))).toBe('done in about 62 s');
  expect(lateLine(late(2, 5, 'a.py', 'b.py', 'c.py'))).toBe(
    'at this speed the deadline comes 13 s too early: 2 more agents of 4 workers, or leaving out these 5 files (a.py, b.py, c.py and 2 more) would mend that',
  );
  expect(lateLine(late(null, 1, 'a.py'))).toBe(
    'at this speed the deadline comes 13 s too early: leaving out this file (a.py) would mend that',
  );
  expect(lateLine({ secondsLeft: 5, lateSeconds: 0, remedy: null })).toBeNull();
  expect(lateLine({ secondsLeft: 5, lateSeconds: null, remedy: null })).toBeNull();
});
