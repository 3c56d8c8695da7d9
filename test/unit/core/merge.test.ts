import { expect, test } from 'vitest';
import { affinityOf, NO_AFFINITY } from '../../../coordinator/core/plan/affinity.ts';
import { rate } from '../../../coordinator/core/result/profile.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { nodeId, shardId, testFile } from '../../../shared/domain/ids.ts';
import type { Selector, Shard } from '../../../shared/domain/shard.ts';
import { NOTHING_SHOWN } from '../../../shared/domain/shown.ts';
import {
  a1,
  a2,
  closedDone,
  collected,
  collectFailed,
  crashed,
  ended,
  enqueued,
  finished,
  givenUp,
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

const t1 = 'test_a.py::test_1';
const t2 = 'test_a.py::test_2';
const oneShard = opened([shardOf(1, ['test_a.py'], 4)]);
const running = [joined(a1), enqueued(1), started(a1, 1), reported(a1, 1, 1, collected('test_a.py', [t1, t2]))];
const passed = [reported(a1, 1, 1, finished(t1)), reported(a1, 1, 1, finished(t2))];
const stopped = (notRun: 'no-agent' | 'maxfail' | 'cancelled'): CoordinatorEvent => ({
  kind: 'run-closed',
  at: 6000,
  why: { kind: 'stopped', notRun, by: 'cancelled' },
});

test('--sw exits 2 at the failure that stops it, --sw-skip at the second failure', () => {
  const exitCode = (skip: boolean, ...outcomes: readonly ('passed' | 'failed')[]): number => {
    const cache = { directory: '/cache', stepwise: { skip, reset: false }, pytest: '9.0.1', files: [testFile('test_a.py')] };
    const run = opened([shardOf(1, ['test_a.py'], 4)], { cache });
    const [first = 'passed', second = 'passed'] = outcomes;
    const results = [reported(a1, 1, 1, finished(t1, first)), reported(a1, 1, 1, finished(t2, second))];
    return reportOf(stateAfter(run, ...running, ...results, ended(a1, 1), closedDone(), left(a1))).exitCode;
  };
  expect(exitCode(false, 'passed', 'passed')).toBe(0);
  expect(exitCode(false, 'passed', 'failed')).toBe(2);
  expect(exitCode(true, 'failed', 'passed')).toBe(1);
  expect(exitCode(true, 'failed', 'failed')).toBe(2);
});

test('reports every field of a run whose tests all passed', () => {
  const report = reportOf(stateAfter(oneShard, ...running, ...passed, ended(a1, 1), closedDone(), left(a1)));
  const attempt = {
    agent: 'a1',
    worker: 'gw0',
    startedAt: '1970-01-01T00:00:02.500Z',
    seconds: 0.25,
    setupSeconds: 0,
    teardownSeconds: 0,
    outcome: 'passed',
    message: null,
    brief: null,
    sections: [],
  };
  const about = { outcome: 'passed', flaky: false, seconds: 0.25, file: 'test_a.py', line: 7, attempts: [attempt] };
  expect(report).toEqual({
    schema: 1,
    waits: [],
    rejected: [],
    missingMessages: [],
    absent: [],
    conflicts: [],
    restarted: null,
    origin: null,
    part: null,
    partProblems: [],
    fingerprint: null,
    runId: 'r1',
    verdict: 'passed',
    exitCode: 0,
    startedAt: '1970-01-01T00:00:00.000Z',
    finishedAt: '1970-01-01T00:00:07.000Z',
    deadline: null,
    totals: {
      expected: 2,
      passed: 2,
      failed: 0,
      error: 0,
      skipped: 0,
      xfailed: 0,
      xpassed: 0,
      flaky: 0,
      notRun: 0,
      notRunIsLeast: false,
      duplicatesDropped: 0,
    },
    tests: [
      { nodeid: t1, ...about },
      { nodeid: t2, ...about },
    ],
    notRun: [],
    textsCut: 0,
    collectErrors: [],
    sessionErrors: [],
    shards: [{ id: 's1', selectors: 1, predictedSeconds: 4, seconds: 2, agent: 'a1', attempt: 1, state: 'done' }],
    agents: [
      {
        id: 'a1',
        host: 'host',
        workers: 2,
        tests: 2,
        busySeconds: 3,
        idleSeconds: 1,
        peakRssBytes: 1024,
        cpuSeconds: 2.4,
        ended: 'left',
        why: null,
        fingerprint: null,
        differences: [],
      },
    ],
    profile: {
      setupSeconds: 0.4,
      discoverySeconds: 0.6,
      collectionSeconds: 0.5,
      executionSeconds: 0.5,
      mergeSeconds: 0.1,
      makespanSeconds: 5,
      boundSeconds: 1,
      efficiency: 0.2,
      cpuUtilization: 0.24,
      timeToFirstTestSeconds: 2.5,
      sequentialSeconds: 1,
      speedup: 0.2,
      secondsPerTest: 0.25,
      // breakdown.test.ts checks its contents.
      breakdown: expect.anything(),
      rating: 'poor',
    },
    targets: null,
    coverage: null,
    comparison: null,
    history: null,
    ...NOTHING_SHOWN,
  });
});

test('a run without tests gets the verdict no-tests', () => {
  expect(reportOf(stateAfter(opened([]), closedDone()))).toMatchObject({ verdict: 'no-tests', exitCode: 5, totals: { expected: 0 } });
  const empty = stateAfter(oneShard, enqueued(1), reported(a1, 1, 1, collected('test_a.py', [])), closedDone());
  expect(reportOf(empty)).toMatchObject({ verdict: 'no-tests', exitCode: 5 });
});

test('reports an announced test without a result as an error that explains why', () => {
  const once = opened([shardOf(1, ['test_a.py'])], { attemptLimit: 1 });
  const report = reportOf(
    stateAfter(once, ...running, reported(a1, 1, 1, finished(t1)), ended(a1, 1, 1, crashed(t2)), givenUp(1), closedDone()),
  );
  expect(report).toMatchObject({ verdict: 'failed', exitCode: 1, totals: { expected: 2, passed: 1, error: 1, notRun: 0 } });
  expect(report.tests[1]).toMatchObject({ nodeid: t2, outcome: 'error', attempts: [{ agent: 'a1', outcome: 'error' }] });
  const message = report.tests[1]?.attempts[0]?.message;
  expect(message).toContain('received no result from its only attempt');
  expect(message).toContain('running when pytest crashed');
  expect(message).toContain('SIGKILL');
  expect(report.shards[0]?.state).toBe('lost');
});

test('lists a file that was never collected as not run, and the run is incomplete', () => {
  const once = opened([shardOf(1, ['test_a.py'], 4)], { attemptLimit: 1 });
  const report = reportOf(stateAfter(once, enqueued(1), ended(a1, 1, 1, crashed()), givenUp(1), closedDone()));
  expect(report).toMatchObject({ verdict: 'incomplete', exitCode: 11, totals: { expected: 1, notRun: 1 } });
  expect(report.notRun).toEqual([{ nodeid: 'test_a.py', kind: 'file', tests: null, reason: 'crash-limit', predictedSeconds: 4 }]);
});

test('lists the named tests of a file that was never collected by name', () => {
  const selectors: Selector[] = [{ kind: 'tests', file: testFile('test_a.py'), nodeids: [nodeId(t1), nodeId(t2)] }];
  const named = opened([{ id: shardId(1), selectors, predictedSeconds: 4 }]);
  expect(reportOf(stateAfter(named, stopped('no-agent'))).notRun).toEqual([
    { nodeid: t1, kind: 'test', tests: null, reason: 'no-agent', predictedSeconds: 2 },
    { nodeid: t2, kind: 'test', tests: null, reason: 'no-agent', predictedSeconds: 2 },
  ]);
});

test.each([
  ['no-agent', 'incomplete', 11],
  ['maxfail', 'failed', 1],
  ['cancelled', 'interrupted', 2],
] as const)('a run stopped by %s lists its unfinished tests as not run and gets the verdict %s', (reason, verdict, exitCode) => {
  const two = opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])]);
  const report = reportOf(stateAfter(two, ...running, reported(a1, 1, 1, finished(t1)), stopped(reason)));
  expect(report.notRun).toEqual([
    { nodeid: t2, kind: 'test', tests: 1, reason, predictedSeconds: 0.5 },
    { nodeid: 'test_b.py', kind: 'file', tests: null, reason, predictedSeconds: 1 },
  ]);
  expect(report).toMatchObject({ verdict, exitCode });
  expect(report.shards.map((shard) => [shard.agent, shard.attempt, shard.state])).toEqual([
    ['a1', 1, 'cancelled'],
    [null, 0, 'cancelled'],
  ]);
});

test('an interrupted run gets the verdict interrupted even when tests failed', () => {
  const interrupt: CoordinatorEvent = { kind: 'interrupt-requested', at: 5000, by: 'SIGINT' };
  const state = stateAfter(oneShard, ...running, reported(a1, 1, 1, finished(t1, 'failed')), interrupt, stopped('cancelled'));
  expect(reportOf(state)).toMatchObject({ verdict: 'interrupted', exitCode: 2, totals: { failed: 1 } });
});

test('an interrupt after everything is done does not change the verdict', () => {
  const state = stateAfter(oneShard, ...running, ...passed, closedDone(), { kind: 'interrupt-requested', at: 6500, by: 'SIGINT' });
  expect(reportOf(state)).toMatchObject({ verdict: 'passed', exitCode: 0 });
});

test('a run that ends without being closed gets the verdict interrupted', () => {
  expect(reportOf(stateAfter(oneShard, ...running))).toMatchObject({ verdict: 'interrupted', exitCode: 2, totals: { notRun: 2 } });
});

test('a file that cannot be collected fails the run even when all other tests pass', () => {
  const two = opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])]);
  const broken = [enqueued(2), reported(a2, 2, 1, collectFailed('test_b.py')), ended(a2, 2)];
  const report = reportOf(stateAfter(two, ...running, ...passed, ended(a1, 1), ...broken, closedDone()));
  expect(report).toMatchObject({ verdict: 'failed', exitCode: 1, totals: { passed: 2, notRun: 0 } });
  expect(report.collectErrors).toEqual([{ file: 'test_b.py', nodeid: 'test_b.py', message: 'ImportError' }]);
});

test('a collection error that arrives after its file was collected still fails the run', () => {
  const events = [
    enqueued(1),
    reported(a1, 1, 1, collected('test_a.py', [])),
    reported(a1, 1, 1, collectFailed('test_a.py')),
    closedDone(),
  ];
  expect(reportOf(stateAfter(oneShard, ...events))).toMatchObject({ verdict: 'failed', exitCode: 1 });
});

test('lists the files below a directory that failed to collect as not run because of that error', () => {
  const below = opened([shardOf(1, ['pkg/test_a.py'])]);
  const report = reportOf(stateAfter(below, enqueued(1), reported(a1, 1, 1, collectFailed('pkg/conftest.py')), ended(a1, 1), closedDone()));
  expect(report).toMatchObject({ verdict: 'failed', exitCode: 1 });
  expect(report.notRun).toMatchObject([{ nodeid: 'pkg/test_a.py', kind: 'file', tests: null, reason: 'collect-error' }]);
});

test('reports a collection error of discovery once, with the message of discovery', () => {
  const broken = opened([shardOf(1, ['pkg/test_a.py'])], { collectErrors: [{ file: 'pkg', message: 'seen first' }] });
  const report = reportOf(stateAfter(broken, enqueued(1), reported(a1, 1, 1, collectFailed('pkg')), ended(a1, 1), closedDone()));
  expect(report.collectErrors).toEqual([{ file: 'pkg', nodeid: 'pkg', message: 'seen first' }]);
});

test('lists tests by file, in the order in which they were announced', () => {
  const two = opened([shardOf(1, ['test_b.py']), shardOf(2, ['test_a.py'])]);
  const b = ['test_b.py::z', 'test_b.py::a'];
  const events = [
    enqueued(1),
    enqueued(2),
    reported(a1, 1, 1, collected('test_b.py', b)),
    reported(a2, 2, 1, collected('test_a.py', [t1])),
  ];
  const results = [...b.toReversed().map((id) => reported(a1, 1, 1, finished(id))), reported(a2, 2, 1, finished(t1))];
  expect(reportOf(stateAfter(two, ...events, ...results, closedDone())).tests.map((each) => each.nodeid)).toEqual([t1, ...b]);
});

test('reports what is known about a lost agent', () => {
  const state = stateAfter(
    oneShard,
    ...running,
    reported(a1, 1, 1, finished(t1)),
    ended(a1, 1, 1, crashed()),
    lost(a1),
    stopped('no-agent'),
  );
  expect(reportOf(state).agents).toEqual([
    {
      id: 'a1',
      host: 'host',
      workers: 2,
      tests: 1,
      busySeconds: 2,
      idleSeconds: 4,
      peakRssBytes: 0,
      cpuSeconds: null,
      ended: 'lost',
      why: 'it stopped answering 5.0 s into the run',
      fingerprint: null,
      differences: [],
    },
  ]);
});

test('an attempt without an end lasts until its last event', () => {
  const report = reportOf(stateAfter(oneShard, ...running, ...passed, closedDone()));
  expect(report.shards[0]).toMatchObject({ seconds: 1, agent: 'a1', state: 'done' });
});

test('tests that share a resource take at least as long as its units allow', () => {
  const db = { labels: [], resources: [{ name: 'db', units: 1 }] };
  const [both, first, second] = [1, 2, 3].map((index) => shardOf(index, ['test_a.py'])) as [Shard, Shard, Shard];
  const took = (index: number, nodeid: string) => reported(a1, index, 1, finished(nodeid, 'passed', { seconds: 30 }));
  const begun = (index: number) => [enqueued(index), started(a1, index), reported(a1, index, 1, collected('test_a.py', [t1, t2]))];
  const boundSeconds = (limit: number, shards: readonly Shard[], ...events: CoordinatorEvent[]): number =>
    reportOf(stateAfter(opened(shards, { resources: { db: limit } }), joined(a1, 1000, 8), ...events, closedDone())).profile.boundSeconds;
  const planned = [{ ...both, needs: db }];
  const ran = [...begun(1), took(1, t1), took(1, t2)];
  expect([boundSeconds(1, planned, ...ran), boundSeconds(2, planned, ...ran)]).toEqual([60, 30.5]);
  // The first run of a suite with marks: the shard that collected them left the tests to shards with their needs.
  const parts = [first, second].map((shard) => ({ ...shard, needs: db }));
  const needs = [t1, t2].map((id) => ({ nodeid: nodeId(id), needs: db }));
  const marked = reported(a1, 1, 1, { ...collected('test_a.py', [t1, t2]), needs } as ReturnType<typeof collected>);
  const split = { kind: 'shard-split', at: 2000, shard: both.id, into: parts, byNeeds: true } as const;
  const learned = [enqueued(1), started(a1, 1), marked, split, ...begun(2), took(2, t1), ...begun(3), took(3, t2)];
  expect([boundSeconds(1, [both], ...learned), boundSeconds(1, [both], ...ran)]).toEqual([60, 30.5]);
});

test('the bound is the longest piece that cannot be split: a file or its longest test', () => {
  const long = [...running, reported(a1, 1, 1, finished(t1, 'passed', { seconds: 3 })), reported(a1, 1, 1, finished(t2)), closedDone()];
  const boundSeconds = (affinity = NO_AFFINITY): number =>
    reportOf(stateAfter(opened([shardOf(1, ['test_a.py'])], { affinity }), ...long)).profile.boundSeconds;
  expect(boundSeconds()).toBe(3.5);
  expect(boundSeconds(affinityOf('loadscope', []))).toBe(3.75);
  expect(boundSeconds(affinityOf('loadfile', []))).toBe(3.75);
  expect(boundSeconds(affinityOf('load', [[testFile('test_a.py')]]))).toBe(3.75);
});

test('ratings begin at 0.85, 0.7 and 0.5', () => {
  expect([0.85, 0.84, 0.7, 0.69, 0.5, 0.49, 0].map(rate)).toEqual(['excellent', 'good', 'good', 'fair', 'fair', 'poor', 'poor']);
});
