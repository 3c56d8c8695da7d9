// Durations and failures of earlier runs, written and read.

import { expect, test } from 'vitest';
import { nodeId, testFile } from '../../shared/domain/ids.ts';
import type { FileTiming } from '../../shared/domain/suite/timings.ts';
import { decodeFileTiming, decodeTimings, encodeFileTiming, encodeTimings, storable } from '../../shared/wire/suite/timings.ts';

const id = nodeId('test_a.py::test_1');

test('reads back a written history, with its recent failures', () => {
  const timing = decodeFileTiming(
    JSON.stringify({ version: 3, timing: { seconds: 1, collectSeconds: 0.5, tests: [[id, 0.5]], lastRuns: [[id, 'FPR']] } }),
    'test',
  );
  expect(timing.lastRuns).toEqual(new Map([[id, 'FPR']]));
  expect(decodeFileTiming(encodeFileTiming(timing), 'test')).toEqual(timing);
  const timings = new Map([[testFile('test_a.py'), timing]]);
  expect(decodeTimings(encodeTimings(timings), 'test')).toEqual({ timings, dropped: 0 });
});

test('reads a history of version 1 or 2 as one without failures, and refuses a newer version', () => {
  for (const [version, more] of [
    [1, {}],
    [2, { failing: [[id, 0.3]] }],
  ] as const) {
    const old = JSON.stringify({ version, files: [['test_a.py', { seconds: 1, collectSeconds: 0.5, tests: [[id, 0.5]], ...more }]] });
    const { timings } = decodeTimings(old, 'test');
    expect(timings.get(testFile('test_a.py'))).toMatchObject({ seconds: 1, fixtureSeconds: 0, lastRuns: new Map() });
  }
  expect(() => decodeTimings(JSON.stringify({ version: 4, files: [] }), 'test')).toThrow(/version 4/);
});

const sound: FileTiming = { seconds: 1, collectSeconds: 0, fixtureSeconds: 0, tests: new Map([[id, 1]]), lastRuns: new Map() };
const impossible: readonly FileTiming[] = [
  { ...sound, lastRuns: new Map([[id, 'F<b>']]) },
  { ...sound, lastRuns: new Map([[id, 'PFPFPFPFPFP']]) },
  ...[-1, Number.NaN, Number.POSITIVE_INFINITY, 1e300].flatMap((seconds) => [
    { ...sound, seconds },
    { ...sound, collectSeconds: seconds },
    { ...sound, fixtureSeconds: seconds },
    { ...sound, tests: new Map([[id, seconds]]) },
  ]),
];
const filesOf = (timings: readonly FileTiming[]) => new Map(timings.map((timing, index) => [testFile(`test_${index}.py`), timing]));

test('stores valid durations, and drops and counts impossible ones', () => {
  expect(storable(filesOf([sound, ...impossible]))).toEqual({ timings: filesOf([sound]), dropped: impossible.length });
});

test('drops and counts impossible durations that were stored anyway', () => {
  const text = encodeTimings(filesOf([sound, ...impossible]));
  expect(decodeTimings(text, 'test')).toEqual({ timings: filesOf([sound]), dropped: impossible.length });
  const odd = JSON.stringify({ version: 2, files: [1, null, ['../x.py', {}], ['a.py']] });
  expect(decodeTimings(odd, 'test').dropped).toBe(4);
  expect(() => decodeTimings('{"version":2,"files":{}}', 'test')).toThrow(expect.objectContaining({ code: 'bad-message' }));
});
