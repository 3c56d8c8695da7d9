// Durations and failures of earlier runs, written and read.

import { expect, test } from 'vitest';
import { nodeId, testFile } from '../../shared/ids.ts';
import { decodeFileTiming, decodeHistory, encodeFileTiming, encodeHistory } from '../../shared/wire/timings.ts';

const id = nodeId('test_a.py::test_1');

test('a history that was written is read back, with what failed of late', () => {
  const timing = decodeFileTiming(
    JSON.stringify({ version: 2, timing: { seconds: 1, collectSeconds: 0.5, tests: [[id, 0.5]], failing: [[id, 0.3]] } }),
    'test',
  );
  expect(timing.failing).toEqual(new Map([[id, 0.3]]));
  expect(decodeFileTiming(encodeFileTiming(timing), 'test')).toEqual(timing);
  const all = { files: new Map([[testFile('test_a.py'), timing]]), startSeconds: 1.5 };
  expect(decodeHistory(encodeHistory(all), 'test')).toEqual(all);
});

test('a history of version 1 is read, as one in which nothing failed; a newer one is refused', () => {
  const old = JSON.stringify({ version: 1, files: [['test_a.py', { seconds: 1, collectSeconds: 0.5, tests: [[id, 0.5]] }]] });
  const { files, startSeconds } = decodeHistory(old, 'test');
  expect(files.get(testFile('test_a.py'))).toMatchObject({ seconds: 1, fixtureSeconds: 0, failing: new Map() });
  expect(startSeconds).toBeNull();
  expect(() => decodeHistory(JSON.stringify({ version: 3, files: [] }), 'test')).toThrow(/version 3/);
});
