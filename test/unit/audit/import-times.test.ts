// Sums the lines of -X importtime by package.

import { expect, test } from 'vitest';
import { importTimes } from '../../../coordinator/audit/core/import-times.ts';

test('sums a package over its outermost modules, separates its own time, and names its first importer', () => {
  const text = [
    'import time: self [us] | cumulative | imported package',
    'import time:     10000 |      10000 | pluggy',
    '',
    'shardline-importer: "conftest"',
    'import time:    100000 |     100000 |     numpy.core',
    'import time:    200000 |     300000 |   numpy',
    'import time:     50000 |      50000 |   pandas.io',
    'import time:    400000 |     750000 | pandas',
    'shardline-importer: "tests/test_\\"<a>.py"',
    'import time:      5000 |       5000 | pandas.late',
    'import time:    300000 |     300000 | requests',
    'what a module prints: import time: nothing',
    'import time:     70000 |      70000 | shardline_pytest.marks',
  ].join('\n');
  const found = importTimes(text);
  expect(found.map(({ name }) => name)).toEqual(['pandas', 'numpy', 'requests', 'pluggy']);
  expect(found[0]).toMatchObject({ modules: 3, importer: 'conftest' });
  expect(found[0]?.selfSeconds).toBeCloseTo(0.455);
  expect(found[0]?.totalSeconds).toBeCloseTo(0.755);
  expect(found[1]?.totalSeconds).toBeCloseTo(0.3);
  expect(found[2]?.importer).toBe('tests/test_"<a>.py');
  expect(found[3]?.importer).toBeNull();
});
