// Predicts the time of a suite for a number of agents: the planner's makespan and the part that agents do not change.

import { expect, test } from 'vitest';
import type { MeasuredTest } from '../../../coordinator/audit/core/measurement.ts';
import { type Costs, predict, timingsOf } from '../../../coordinator/audit/core/predict.ts';
import { type NodeId, nodeId, type TestFile, testFile } from '../../../shared/domain/ids.ts';

const costs: Costs = { fixedSeconds: 2, shardSeconds: 0, workersPerAgent: 2, dist: 'load' };
const measured = (seconds: number, rest: Partial<MeasuredTest> = {}): MeasuredTest => ({
  outcome: 'passed',
  seconds,
  fileSeconds: 0,
  sessionSeconds: 0,
  line: 1,
  isSerial: false,
  ...rest,
});
/** Files of one test each. */
function suiteOf(seconds: readonly number[], collectSeconds = 0) {
  const files = new Map<TestFile, number>(seconds.map((_, index) => [testFile(`test_${index}.py`), collectSeconds]));
  const tests = new Map<NodeId, MeasuredTest>(seconds.map((each, index) => [nodeId(`test_${index}.py::test`), measured(each)]));
  return { files, tests };
}

test('twice the workers halve even work, down to the fixed part', () => {
  const { rows, floor } = predict(suiteOf(new Array(64).fill(1), 1), costs);
  expect(rows.map(({ workers }) => workers)).toEqual([2, 4, 8, 16, 32]);
  expect(rows.map(({ seconds }) => Math.round(seconds))).toEqual([66, 34, 18, 10, 6]);
  expect(floor).toMatchObject({ fixedSeconds: 2, sessionSeconds: 0, serialSeconds: 0 });
});

test('the knee is the number of agents from which doubling gains less than a fifth', () => {
  const { rows, knee, floor } = predict(suiteOf([10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), costs);
  expect(rows.map(({ seconds }) => Math.round(seconds))).toEqual([12, 12, 12, 12, 12]);
  expect(knee).toBe(1);
  expect(floor.longest).toBe('test_0.py');
  expect(floor.longestSeconds).toBeCloseTo(10);
  expect(predict(suiteOf(new Array(3200).fill(1)), costs).knee).toBeNull();
});

test('serial tests and session fixtures cost the same with any agents; file fixtures count for the file only', () => {
  const file = testFile('test_a.py');
  const tests = new Map<NodeId, MeasuredTest>([
    [nodeId('test_a.py::first'), measured(7, { fileSeconds: 3, sessionSeconds: 2 })],
    [nodeId('test_a.py::second'), measured(1)],
    [nodeId('test_a.py::alone'), measured(5, { isSerial: true })],
  ]);
  const files = new Map([[file, 0.5]]);
  expect(timingsOf({ files, tests }).get(file)).toMatchObject({ collectSeconds: 0.5, fixtureSeconds: 3, seconds: 6.5 });
  const { floor, rows } = predict({ files, tests }, costs);
  expect(floor).toMatchObject({ sessionSeconds: 2, serialSeconds: 5 });
  expect(rows[4]?.seconds).toBeGreaterThanOrEqual(2 + 2 + 5);
});
