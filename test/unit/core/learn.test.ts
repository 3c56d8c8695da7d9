import { expect, test } from 'vitest';
import { learn } from '../../../coordinator/core/learn/learn.ts';
import { historyOf, mergeHistories } from '../../../coordinator/core/result/history.ts';
import { nodeId, shardId, type TestFile, testFile } from '../../../shared/domain/ids.ts';
import type { FileTiming } from '../../../shared/domain/suite/timings.ts';
import { a1, collected, collectFailed, enqueued, finished, opened, reported, shardOf, stateAfter } from './run-kit.ts';

const file = testFile('test_a.py');
const t1 = 'test_a.py::test_1';
const t2 = 'test_a.py::test_2';
const opening = opened([shardOf(1, [file])]);

const timing = (collectSeconds: number, tests: Readonly<Record<string, number>>): FileTiming => {
  const known = new Map(Object.entries(tests).map(([id, seconds]) => [nodeId(id), seconds]));
  return {
    seconds: collectSeconds + [...known.values()].reduce((sum, seconds) => sum + seconds, 0),
    collectSeconds,
    fixtureSeconds: 0,
    tests: known,
    lastRuns: new Map(),
  };
};
const history = (known: FileTiming): Map<TestFile, FileTiming> => new Map([[file, known]]);
const ran = (collectSeconds: number, tests: Readonly<Record<string, number>>, expected = Object.keys(tests)) =>
  stateAfter(
    opening,
    enqueued(1),
    reported(a1, 1, 1, collected(file, expected, collectSeconds)),
    ...Object.entries(tests).map(([id, seconds]) => reported(a1, 1, 1, finished(id, 'passed', { seconds }))),
  );

test('takes a first measurement as it is', () => {
  expect(learn(new Map(), ran(0.5, { [t1]: 1, [t2]: 2 }))).toEqual(history(timing(0.5, { [t1]: 1, [t2]: 2 })));
});

test('learns a slower duration quickly and a faster one slowly', () => {
  expect(
    learn(history(timing(1, { [t1]: 10 })), ran(1, { [t1]: 20 }))
      .get(file)
      ?.tests.get(nodeId(t1)),
  ).toBe(17.5);
  expect(
    learn(history(timing(1, { [t1]: 20 })), ran(1, { [t1]: 10 }))
      .get(file)
      ?.tests.get(nodeId(t1)),
  ).toBe(18);
  expect(learn(history(timing(1, { [t1]: 19 })), ran(1, { [t1]: 9 })).get(file)?.seconds).toBe(18);
});

test('forgets the tests that a file no longer has once the file has run whole', () => {
  const learned = learn(history(timing(0, { [t1]: 1, [t2]: 9 })), ran(0, { [t1]: 1 })).get(file);
  expect([...(learned?.tests.keys() ?? [])]).toEqual([t1]);
  expect(learned?.seconds).toBe(8.2);
});

test('learns the tests that ran of a file that was cut short, and never lowers its total', () => {
  const learned = learn(history(timing(0, { [t1]: 1, [t2]: 9 })), ran(0, { [t1]: 5 }, [t1, t2])).get(file);
  expect(learned).toEqual(timing(0, { [t1]: 4, [t2]: 9 }));
  expect(learn(history({ ...timing(0, {}), seconds: 30 }), ran(0, { [t1]: 5 }, [t1, t2])).get(file)?.seconds).toBe(30);
});

test('learns nothing about the rest of a file from tests that the user named', () => {
  const named = opened([{ id: shardId(1), selectors: [{ kind: 'tests', file, nodeids: [nodeId(t1)] }], predictedSeconds: 1 }]);
  const state = stateAfter(named, enqueued(1), reported(a1, 1, 1, collected(file, [t1], 0)), reported(a1, 1, 1, finished(t1)));
  expect(learn(history(timing(0, { [t1]: 0.25, [t2]: 9 })), state).get(file)).toEqual(timing(0, { [t1]: 0.25, [t2]: 9 }));
});

test('learns the parts of a split file as one file, and counts their shared fixtures once', () => {
  const ids = ['t1', 't2', 't3', 't4', 't5', 't6'].map((name) => nodeId(`test_a.py::${name}`));
  const [half, others] = [ids.slice(0, 3), ids.slice(3)];
  const parts = opened([
    { id: shardId(1), selectors: [{ kind: 'part', file, only: null, except: others }], predictedSeconds: 1 },
    { id: shardId(2), selectors: [{ kind: 'part', file, only: others, except: [] }], predictedSeconds: 1 },
  ]);
  const paid = new Map([
    [ids[0], 2],
    [ids[3], 4],
  ]);
  const events = [half, others].flatMap((part, index) => [
    enqueued(index + 1),
    reported(a1, index + 1, 1, collected(file, part, 0.5)),
    ...part.map((id) => {
      const setupSeconds = 0.125 + (paid.get(id) ?? 0);
      return reported(a1, index + 1, 1, finished(id, 'passed', { seconds: 1 + setupSeconds, setupSeconds }));
    }),
  ]);
  const tests = new Map(ids.map((id) => [id, 1.125]));
  expect(learn(new Map(), stateAfter(parts, ...events)).get(file)).toEqual({
    seconds: 0.5 + 4 + 6 * 1.125,
    collectSeconds: 0.5,
    fixtureSeconds: 4,
    tests,
    lastRuns: new Map(),
  });
});

test('reports the tests that are unstable over the last runs, and how long the slowest took before', () => {
  const known = { ...timing(0, { [t1]: 2, [t2]: 0.5 }), lastRuns: new Map([[nodeId(t2), 'FP']]) };
  const state = stateAfter(
    opening,
    enqueued(1),
    reported(a1, 1, 1, collected(file, [t1, t2])),
    reported(a1, 1, 1, finished(t1, 'passed', { seconds: 1 })),
    reported(a1, 1, 1, finished(t2, 'failed', { seconds: 3 })),
  );
  const old = history(known);
  const found = historyOf(state, old, learn(old, state));
  expect(found).toEqual({
    unstable: [{ nodeid: t2, lastRuns: 'FPF' }],
    slowest: [
      { nodeid: t2, seconds: 3, usualSeconds: 0.5 },
      { nodeid: t1, seconds: 1, usualSeconds: 2 },
    ],
  });
  const other = {
    unstable: [
      { nodeid: nodeId('test_b.py::t'), lastRuns: 'FPF' },
      { nodeid: nodeId(t2), lastRuns: 'FPFPF' },
    ],
    slowest: [],
  };
  expect(mergeHistories([found, other])?.unstable).toEqual([
    { nodeid: t2, lastRuns: 'FPFPF' },
    { nodeid: 'test_b.py::t', lastRuns: 'FPF' },
  ]);
  expect(mergeHistories([])).toBeNull();
});

test('names a node id that several tests share once', () => {
  const copy = `${t1}\u001e2`;
  const state = stateAfter(
    opening,
    enqueued(1),
    reported(a1, 1, 1, collected(file, [t1, copy])),
    ...[t1, copy].map((id) => reported(a1, 1, 1, finished(id, 'failed', { seconds: 1 }))),
  );
  const lastRuns = new Map([t1, copy].map((id) => [nodeId(id), 'FP']));
  const old = history({ ...timing(0, { [t1]: 1 }), lastRuns });
  expect(historyOf(state, old, learn(old, state))).toEqual({
    unstable: [{ nodeid: t1, lastRuns: 'FPF' }],
    slowest: [{ nodeid: t1, seconds: 1, usualSeconds: 1 }],
  });
});

test('forgets the last runs of tests that a file no longer has once the file has run whole', () => {
  const known = { ...timing(0, { [t1]: 1, [t2]: 9 }), lastRuns: new Map([[nodeId(t2), 'FPF']]) };
  expect(learn(history(known), ran(0, { [t1]: 1 })).get(file)?.lastRuns.size).toBe(0);
  expect(
    learn(history(known), ran(0, { [t1]: 5 }, [t1, t2]))
      .get(file)
      ?.lastRuns.get(nodeId(t2)),
  ).toBe('FPF');
});

test('leaves serial tests out of the duration of their file', () => {
  const state = stateAfter(
    opening,
    enqueued(1),
    reported(a1, 1, 1, collected(file, [t1, t2], 0.5, { serial: [t2] })),
    ...[t1, t2].map((id) => reported(a1, 1, 1, finished(id, 'passed', { seconds: 1 }))),
  );
  expect(learn(new Map(), state)).toEqual(history(timing(0.5, { [t1]: 1 })));
});

test('learns nothing from a file that was not collected', () => {
  expect(learn(history(timing(1, { [t1]: 1 })), stateAfter(opening)).size).toBe(0);
  expect(learn(new Map(), stateAfter(opening, enqueued(1), reported(a1, 1, 1, collectFailed(file)))).size).toBe(0);
});
