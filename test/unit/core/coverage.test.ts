import { expect, test } from 'vitest';
import { coverageFindings, missingCoverage } from '../../../coordinator/core/result/coverage.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import type { ReportedCoverage } from '../../../shared/domain/coverage.ts';
import { type AgentId, attemptId, shardId } from '../../../shared/domain/ids.ts';
import {
  a1,
  a2,
  closedDone,
  collected,
  ended,
  enqueued,
  finished,
  joined,
  left,
  lost,
  opened,
  reported,
  reportOf,
  shardOf,
  started,
  stateAfter,
} from './run-kit.ts';

const attempts = (...shards: readonly number[]) => shards.map((shard) => attemptId(shardId(shard), 1));

const kept = (agent: AgentId, whole: readonly number[], short: readonly number[] = [], part = 1): CoordinatorEvent => ({
  kind: 'coverage-kept',
  at: 4500,
  coverage: {
    agent,
    origin: { workspace: '/w', packages: '/p' },
    parts: [{ part, chunks: 1 }],
    attempts: attempts(...whole),
    lost: attempts(...short),
    problem: null,
  },
});

const ran = (agent: AgentId, shard: number, file: string): readonly CoordinatorEvent[] => [
  enqueued(shard),
  started(agent, shard),
  reported(agent, shard, 1, collected(file, [`${file}::test_x`])),
  reported(agent, shard, 1, finished(`${file}::test_x`)),
  ended(agent, shard),
];

const opening = opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])]);
const both = [joined(a1), joined(a2), ...ran(a1, 1, 'test_a.py'), ...ran(a2, 2, 'test_b.py')];
const all = (): boolean => true;

test('reports no missing coverage when every attempt with a result delivers all of its coverage', () => {
  expect(missingCoverage(stateAfter(opening, ...both, kept(a1, [1]), kept(a2, [2])), all)).toEqual([]);
});

test.each([
  ['an agent that died before it sent any', [kept(a1, [1]), lost(a2)]],
  ['an xdist worker that died over the attempt', [kept(a1, [1]), kept(a2, [], [2])]],
  ['an attempt of which one pytest has all and another not', [kept(a1, [1]), kept(a2, [2]), kept(a2, [], [2], 2)]],
])('reports the files without coverage and their agent: %s', (_, events) => {
  expect(missingCoverage(stateAfter(opening, ...both, ...events), all)).toEqual([{ file: 'test_b.py', agent: 'a2' }]);
});

test('reports the files of attempts whose data file did not arrive or is not a data file', () => {
  const state = stateAfter(opening, ...both, kept(a1, [1]), kept(a2, [2], [], 7));
  expect(missingCoverage(state, (agent, part) => agent !== a2 || part !== 7)).toEqual([{ file: 'test_b.py', agent: 'a2' }]);
});

test('does not miss the coverage of an attempt whose results do not count', () => {
  const copy = [enqueued(1, 2), reported(a2, 1, 2, collected('test_a.py', ['test_a.py::test_x']))];
  const late = reported(a2, 1, 2, finished('test_a.py::test_x', 'failed'));
  expect(missingCoverage(stateAfter(opening, ...both, ...copy, late, kept(a1, [1]), kept(a2, [2])), all)).toEqual([]);
});

test('the report includes the coverage, and the verdict depends on it', () => {
  const verdictWith = (changes: Partial<ReportedCoverage>) => {
    const coverage: ReportedCoverage = { percent: 50, failUnder: 80, isMet: true, missing: [], problems: [], warnings: [], ...changes };
    const combined: CoordinatorEvent = { kind: 'coverage-combined', at: 7000, coverage };
    const report = reportOf(stateAfter(opening, ...both, left(a1), left(a2), closedDone(), combined));
    expect(report.coverage).toEqual(coverage);
    return [report.verdict, report.exitCode];
  };
  expect(verdictWith({})).toEqual(['passed', 0]);
  expect(verdictWith({ isMet: false })).toEqual(['failed', 1]);
  expect(verdictWith({ isMet: null, problems: ['it took too long'] })).toEqual(['incomplete', 11]);
});

test('several runs miss the coverage limit when one of them does', () => {
  const of = (isMet: boolean | null): ReportedCoverage => ({
    ...{ percent: 1, failUnder: null, isMet, missing: [], problems: [], warnings: [] },
  });
  expect(coverageFindings([null, of(true), of(false)])).toEqual({ isMissed: true, isPartial: false });
});
