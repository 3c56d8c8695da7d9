// Durations and failures of earlier runs, written and read.

import { expect, test } from 'vitest';
import { nodeId, testFile } from '../../shared/domain/ids.ts';
import type { FileTiming } from '../../shared/domain/timings.ts';
import { decodeFileTiming, decodeHistory, encodeFileTiming, encodeHistory, storable } from '../../shared/wire/timings.ts';

const id = nodeId('test_a.py::test_1');

test('a history that was written is read back, with what failed of late', () => {
  const timing = decodeFileTiming(
    JSON.stringify({ version: 2, timing: { seconds: 1, collectSeconds: 0.5, tests: [[id, 0.5]], failing: [[id, 0.3]] } }),
    'test',
  );
  expect(timing.failing).toEqual(new Map([[id, 0.3]]));
  expect(decodeFileTiming(encodeFileTiming(timing), 'test')).toEqual(timing);
  const all = { files: new Map([[testFile('test_a.py'), timing]]), startSeconds: 1.5 };
  expect(decodeHistory(encodeHistory(all), 'test')).toEqual({ history: all, dropped: 0 });
});

test('a history of version 1 is read, as one in which nothing failed; a newer one is refused', () => {
  const old = JSON.stringify({ version: 1, files: [['test_a.py', { seconds: 1, collectSeconds: 0.5, tests: [[id, 0.5]] }]] });
  const { files, startSeconds } = decodeHistory(old, 'test').history;
  expect(files.get(testFile('test_a.py'))).toMatchObject({ seconds: 1, fixtureSeconds: 0, failing: new Map() });
  expect(startSeconds).toBeNull();
  expect(() => decodeHistory(JSON.stringify({ version: 3, files: [] }), 'test')).toThrow(/version 3/);
});

const sound: FileTiming = { seconds: 1, collectSeconds: 0, fixtureSeconds: 0, tests: new Map([[id, 1]]), failing: new Map() };
const impossible: readonly FileTiming[] = [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e300].flatMap((seconds) => [
  { ...sound, seconds },
  { ...sound, collectSeconds: seconds },
  { ...sound, fixtureSeconds: seconds },
  { ...sound, tests: new Map([[id, seconds]]) },
]);
const filesOf = (timings: readonly FileTiming[]) => new Map(timings.map((timing, index) => [testFile(`test_${index}.py`), timing]));

test('impossible durations are never stored, and the others are', () => {
  const files = filesOf([sound, ...impossible]);
  expect(storable({ files, startSeconds: -1 })).toEqual({
    history: { files: filesOf([sound]), startSeconds: null },
    dropped: impossible.length + 1,
  });
});

test('impossible durations that were stored all the same are dropped and counted, never fatal', () => {
  const text = encodeHistory({ files: filesOf([sound, ...impossible]), startSeconds: -1 });
  expect(decodeHistory(text, 'test')).toEqual({
    history: { files: filesOf([sound]), startSeconds: null },
    dropped: impossible.length + 1,
  });
  const odd = JSON.stringify({ version: 2, files: [1, null, ['../x.py', {}], ['a.py']] });
  expect(decodeHistory(odd, 'test').dropped).toBe(4);
  expect(() => decodeHistory('{"version":2,"files":{}}', 'test')).toThrow(expect.objectContaining({ code: 'bad-message' }));
});
