// Warnings, sections and deselected tests of all agents, counted as one plain pytest counts them.

import { expect, test } from 'vitest';
import { mergeReports } from '../../../coordinator/core/result/parts/merge-reports.ts';
import type { AgentId } from '../../../shared/domain/ids.ts';
import { nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { CountedWarning, Shown } from '../../../shared/domain/shown.ts';
import { warningCount } from '../../../shared/domain/shown.ts';
import {
  a1,
  a2,
  closedDone,
  collected,
  ended,
  enqueued,
  finished,
  joined,
  opened,
  reported,
  reportOf,
  shardOf,
  started,
  stateAfter,
} from './run-kit.ts';

const warning = (changes: Partial<CountedWarning> = {}): CountedWarning => ({
  category: 'UserWarning',
  message: 'look out',
  file: 'lib.py',
  line: 3,
  count: 1,
  ...changes,
});

const shown = (agent: AgentId, changes: Partial<Shown>) =>
  ({ kind: 'session-shown', at: 2500, agent, shown: { header: null, sections: [], warnings: [], deselected: [], ...changes } }) as const;

const besides = (changes: Partial<CountedWarning> = {}): Shown['warnings'][number] => ({ nodeid: null, warning: warning(changes) });

const t1 = 'test_a.py::test_1';
const t2 = 'test_a.py::test_2';
const begun = [joined(a1), joined(a2), enqueued(1), started(a1, 1), reported(a1, 1, 1, collected('test_a.py', [t1, t2]))];
const done = [ended(a1, 1), closedDone()];
const shards = [shardOf(1, ['test_a.py'])];
const reportAfter = (...events: Parameters<typeof stateAfter>[1][]) => reportOf(stateAfter(opened(shards), ...begun, ...events, ...done));

test('counts a warning of an import once, however many processes and agents import the module', () => {
  const report = reportAfter(
    shown(a1, { warnings: [besides()] }),
    shown(a2, { warnings: [besides({ file: '/opt/py/lib/site-packages/lib.py' }), besides({ line: 9, count: 2 })] }),
    shown(a1, { warnings: [besides({ line: 9, count: 1 }), besides({ file: '/home/ci/site-packages/lib.py' })] }),
  );
  expect(report.warnings.map(({ file, line, count }) => [file, line, count])).toEqual([
    ['lib.py', 3, 1],
    ['/opt/py/lib/site-packages/lib.py', 3, 1],
    ['lib.py', 9, 2],
  ]);
});

test('groups the warnings of tests by their text and names the tests', () => {
  const report = reportAfter(
    reported(a1, 1, 1, finished(t1, 'passed', { warnings: [warning({ count: 2 }), warning({ line: 4 })] })),
    reported(a1, 1, 1, finished(t2, 'passed', { warnings: [warning()] })),
  );
  expect(report.warnings).toEqual([
    {
      ...warning(),
      count: 3,
      places: [
        { place: t1, count: 2 },
        { place: t2, count: 1 },
      ],
    },
    { ...warning({ line: 4 }), places: [{ place: t1, count: 1 }] },
  ]);
  expect(warningCount(report)).toBe(4);
});

test('names only the files of a warning that occurs ten times, as pytest does', () => {
  const report = reportAfter(
    reported(a1, 1, 1, finished(t1, 'passed', { warnings: [warning({ count: 5 })] })),
    reported(a1, 1, 1, finished(t2, 'passed', { warnings: [warning({ count: 5 })] })),
  );
  expect(report.warnings).toEqual([{ ...warning(), count: 10, places: [{ place: 'test_a.py', count: 10 }] }]);
});

test('does not count the warnings of a duplicate result', () => {
  const twice = reported(a1, 1, 1, finished(t1, 'passed', { warnings: [warning()] }));
  expect(warningCount(reportAfter(twice, twice, reported(a1, 1, 1, finished(t2, 'passed'))))).toBe(1);
});

test('counts the deselected tests of a file once, however many agents collect it', () => {
  const [a, b] = [testFile('test_a.py'), testFile('test_b.py')];
  const report = reportAfter(
    shown(a1, { deselected: [{ file: a, count: 3 }] }),
    shown(a2, {
      deselected: [
        { file: a, count: 3 },
        { file: b, count: 2 },
      ],
    }),
  );
  expect(report.deselected).toBe(5);
});

test('keeps the header and sections of each agent, once even when an event arrives twice', () => {
  const header = { lines: ['platform linux', 'seed: 1'], asked: { outcomes: 'wfE', durations: 3, leastSeconds: 0 } };
  const event = shown(a1, { header, sections: [{ title: 'conftest.py', text: 'done' }] });
  const report = reportAfter(event, event, shown(a2, { sections: [{ title: 'conftest.py', text: 'done' }] }));
  const sections = [{ title: 'conftest.py', text: 'done' }];
  expect(report.sessions).toEqual([
    { agent: a1, header: header.lines, sections },
    { agent: a2, header: [], sections },
  ]);
  expect(report.asked).toEqual(header.asked);
});

test('a test keeps the properties of the result that counts', () => {
  const properties = [{ name: 'build', value: '7' }];
  const report = reportAfter(reported(a1, 1, 1, finished(t1, 'passed', { properties })), reported(a1, 1, 1, finished(t2, 'passed')));
  expect(report.tests.map((each) => each.properties)).toEqual([properties, undefined]);
});

test('assigns a warning of a teardown to the test before it', () => {
  const report = reportAfter(shown(a1, { warnings: [{ nodeid: nodeId(t2), warning: warning() }] }));
  expect(report.warnings.map(({ places }) => places)).toEqual([[{ place: t2, count: 1 }]]);
});

test('adds up the warnings and deselected tests of several runs', () => {
  const one = reportAfter(shown(a1, { warnings: [besides()], deselected: [{ file: testFile('test_a.py'), count: 1 }] }));
  const both = mergeReports([one, one]);
  expect([warningCount(both), both.warnings.length, both.deselected]).toEqual([2, 1, 2]);
  expect(both.sessions.map(({ agent }) => agent)).toEqual(['a1.1', 'a1.2']);
});
