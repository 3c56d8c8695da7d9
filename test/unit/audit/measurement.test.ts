// Builds a measurement from the records of the processes of one pytest.

import { expect, test } from 'vitest';
import { measurementOf } from '../../../coordinator/audit/core/measurement.ts';
import { nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { MeasuredProcess, MeasureRecord } from '../../../shared/domain/measuring.ts';

const file = testFile('test_a.py');
const id = (name: string) => nodeId(`test_a.py::${name}`);
const ended = (at: number, name: string, rest: Partial<MeasureRecord & { kind: 'test-ended' }> = {}): MeasureRecord => ({
  kind: 'test-ended',
  at,
  nodeid: id(name),
  line: 3,
  isSerial: false,
  outcome: 'passed',
  fileSeconds: 0,
  sessionSeconds: 0,
  ...rest,
});
const collecting = (from: number, to: number): MeasureRecord[] => [
  { kind: 'opened', at: from, rootdir: '/', workers: 0, dist: 'no' },
  { kind: 'collection-began', at: from },
  { kind: 'file-collected', at: to, file, seconds: to - from },
  { kind: 'collection-ended', at: to },
  { kind: 'usage', at: to, cpuSeconds: 1, peakRssBytes: 100, rssBytes: 100 },
];
const controller: MeasuredProcess = {
  name: 'main',
  records: [
    { kind: 'opened', at: 0.5, rootdir: '/', workers: 2, dist: 'load' },
    { kind: 'finishing', at: 9 },
  ],
};

test('phases are means over the workers and add up to the whole time; collection sums all workers', () => {
  const processes: MeasuredProcess[] = [
    controller,
    {
      name: 'gw0',
      records: [
        ...collecting(1, 3),
        { kind: 'test-began', at: 3, nodeid: id('one') },
        ended(7, 'one'),
        { kind: 'finishing', at: 9 },
        { kind: 'usage', at: 9, cpuSeconds: 4, peakRssBytes: 300, rssBytes: 200 },
      ],
    },
    {
      name: 'gw1',
      records: [
        ...collecting(2, 6),
        { kind: 'test-began', at: 6, nodeid: id('two') },
        ended(8, 'two', { outcome: 'failed' }),
        { kind: 'fixture', at: 8, name: 'db', scope: 'module', file: 'conftest.py', seconds: 1, count: 1 },
        { kind: 'fixture', at: 8, name: 'db', scope: 'module', file: 'conftest.py', seconds: 2, count: 3 },
        { kind: 'finishing', at: 9 },
      ],
    },
  ];
  const measured = measurementOf({ startedAt: 0, endedAt: 10, isPartial: false, processes });
  expect(measured).toMatchObject({ seconds: 10, workers: 2, dist: 'load', collectionWorkerSeconds: 6, cpuSeconds: 5 });
  expect(measured.phases).toEqual({ start: 1.5, collection: 3, tests: 3, waiting: 1.5, end: 1 });
  expect(measured.files.get(file)).toBe(3);
  expect(measured.tests.get(id('one'))).toMatchObject({ seconds: 4, outcome: 'passed' });
  expect(measured.tests.get(id('two'))).toMatchObject({ seconds: 2, outcome: 'failed' });
  expect(measured.fixtures).toEqual([{ name: 'db', scope: 'module', file: 'conftest.py', seconds: 3, count: 4 }]);
  expect(measured).toMatchObject({ peakRssBytes: 300, collectedRssBytes: 100 });
});

test('a pytest killed in a test spends the rest of its time in tests, and that test has no outcome', () => {
  const records: MeasureRecord[] = [...collecting(1, 2), { kind: 'test-began', at: 2, nodeid: id('hangs') }];
  const measured = measurementOf({ startedAt: 0, endedAt: 30, isPartial: true, processes: [{ name: 'main', records }] });
  expect(measured.phases).toEqual({ start: 1, collection: 1, tests: 28, waiting: 0, end: 0 });
  expect(measured.isPartial).toBe(true);
  expect(measured.tests.size).toBe(0);
});

test('reports a test that kills its worker as an error', () => {
  const reported: MeasuredProcess = { ...controller, records: [...controller.records, { kind: 'crashed', at: 5, nodeid: id('dies') }] };
  const measured = measurementOf({ startedAt: 0, endedAt: 10, isPartial: false, processes: [reported] });
  expect(measured.tests.get(id('dies'))?.outcome).toBe('error');
});
