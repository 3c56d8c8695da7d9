import { expect, test } from 'vitest';
import { restartOf } from '../../../coordinator/core/decide/restart.ts';
import { takeCensus } from '../../../coordinator/core/learn/take-census.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { type NodeId, nodeId, type TestFile, testFile } from '../../../shared/domain/ids.ts';
import { type Census, forgetFixed } from '../../../shared/domain/suite/census.ts';
import type { Load } from '../../../shared/domain/suite/suite-list.ts';
import { a1, a2, collected, collectFailed, enqueued, finished, joined, opened, reported, shardOf, started, stateAfter } from './run-kit.ts';

const file = testFile('tests/test_1.py');
const contents = new Map([[file, 'c1']]);
const old: Census = {
  problems: [],
  inseparable: null,
  inseparableFile: null,
  companions: [],
  loads: [],
  failed: [],
  uncollected: null,
  files: new Map([[file, { content: 'c1', digest: 'before' }]]),
};

/** A run by file that collected these tests, while the census has other ones. */
const found = (digest: string, nodeids: readonly string[], mayBackUp = true) =>
  stateAfter(
    opened([shardOf(1, [file])], { digests: { [file]: 'before' } }),
    joined(a1),
    enqueued(1),
    started(a1, 1),
    reported(a1, 1, 1, {
      kind: 'collected',
      at: 2100,
      file,
      nodeids: nodeids.map(nodeId),
      serial: [],
      mayBackUp,
      digest,
      seconds: 0.5,
      worker: 'gw0',
    }),
  );

/** The restarted run, after its whole list has arrived. */
function restarted(alone: ReturnType<typeof found>, digests: readonly (readonly [typeof file, string])[], loads: readonly Load[] = []) {
  const opening = restartOf(alone, 3000);
  if (opening === null) throw new Error('the run does not begin anew');
  const list = {
    hash: 'h1',
    order: 'free',
    why: null,
    tail: null,
    bound: [],
    others: [],
    failed: [],
    uncollected: null,
    groups: digests.map(([each]) => ({ file: each, nodeids: [nodeId(`${each}::test_x`)] })),
    stepwiseCount: null,
    proof: { problems: [], digests, loads },
  } as const;
  return stateAfter(opening, joined(a1), { kind: 'suite-listed', at: 4000, agent: a1, list });
}

test('restarts the run when a file holds other tests than in the census, and takes no census of the run by file', () => {
  const state = found('now', ['tests/test_1.py::test_x']);
  expect(restartOf(state, 3000)?.restarted).toEqual({
    why: 'tests/test_1.py has other tests than when the whole suite was last collected',
    voidTests: 0,
    mismatch: { file, digest: 'now' },
  });
  expect(takeCensus(state, old, contents)).toBeNull();
});

test('replaces the census when the whole list matches the file collected by file, so collection by file stays possible', () => {
  const state = restarted(found('now', ['tests/test_1.py::test_x']), [[file, 'now']]);
  expect(takeCensus(state, old, contents)).toMatchObject({ inseparable: null, files: new Map([[file, { content: 'c1', digest: 'now' }]]) });
});

test('marks the suite inseparable when the whole list differs from the file collected by file', () => {
  const why = 'tests/test_1.py has other tests when it is collected by file';
  for (const digests of [[[file, 'before']], [[file, 'third']], []] as const) {
    const state = restarted(found('now', ['tests/test_1.py::test_x']), digests);
    expect(takeCensus(state, old, contents)?.inseparable).toBe(why);
  }
  const none = 'tests/test_1.py has no tests when it is collected by file';
  expect(takeCensus(restarted(found('now', []), [[file, 'now']]), old, contents)?.inseparable).toBe(none);
});

test('forgets a reason that one test showed once its file has changed, but not in a run without that file', () => {
  const alone = found('before', ['tests/test_1.py::test_x']);
  reduce(alone, { kind: 'suite-inseparable', at: 2200, agent: a1, why: 'test_x lacks a module', file, companions: [] });
  const learned = takeCensus(alone, old, contents);
  expect(learned).toMatchObject({ inseparable: 'test_x lacks a module', inseparableFile: { file, content: 'c1' } });
  const taken = takeCensus(restarted(alone, [[file, 'before']]), learned, contents);
  expect(taken).toMatchObject({ inseparable: 'test_x lacks a module', inseparableFile: { file, content: 'c1' } });
  if (taken === null) throw new Error('no census');
  expect(forgetFixed(taken, contents)).toBe(taken);
  expect(forgetFixed(taken, new Map())).toBe(taken);
  expect(forgetFixed(taken, new Map([[file, 'c2']]))).toMatchObject({ inseparable: null, inseparableFile: null });
});

test('keeps a reason that a run by file could miss, also when the file has changed', () => {
  const taken = takeCensus(restarted(found('now', ['tests/test_1.py::test_x']), [[file, 'before']]), old, contents);
  if (taken === null) throw new Error('no census');
  expect(forgetFixed(taken, new Map([[file, 'c2']])).inseparable).toBe('tests/test_1.py has other tests when it is collected by file');
});

test('keeps what files outside the run loaded earlier, since a run of a part of the suite loads less', () => {
  const other = testFile('tests/test_2.py');
  const before = {
    ...old,
    loads: [
      { file: other, modules: ['pack', 'pack.part'] },
      { file, modules: ['gone'] },
    ],
  };
  const taken = takeCensus(restarted(found('now', []), [[file, 'now']], [{ file, modules: ['pack', 'pack.other'] }]), before, contents);
  expect(taken?.loads).toEqual([
    { file, modules: ['pack', 'pack.other'] },
    { file: other, modules: ['pack.part'] },
  ]);
});

test('remembers the files beside which a failed test passes, instead of marking the suite inseparable', () => {
  const companion = testFile('tests/test_2.py');
  const all = new Map([...contents, [companion, 'c2']]);
  const alone = found('before', ['tests/test_1.py::test_x']);
  reduce(alone, { kind: 'suite-inseparable', at: 2200, agent: a1, why: 'test_x lacks a module', file, companions: [companion] });
  const learned = takeCensus(alone, old, all);
  expect(learned).toMatchObject({ inseparable: null, companions: [companion] });
  expect(takeCensus(restarted(alone, [[file, 'before']]), learned, all)).toMatchObject({ inseparable: null, companions: [companion] });

  // A companion that was imported already is not enough.
  expect(takeCensus(alone, learned, all)).toMatchObject({ inseparable: 'test_x lacks a module' });
  // A run without it shows nothing.
  expect(takeCensus(alone, learned, contents)).toBeNull();
});

test('marks the suite inseparable when every worker would have to import more than 20 files', () => {
  const many = Array.from({ length: 21 }, (_, index) => testFile(`tests/test_more_${index}.py`));
  const all = new Map([...contents, ...many.map((each) => [each, 'c'] as const)]);
  const learn = (companions: readonly TestFile[]) => {
    const alone = found('before', ['tests/test_1.py::test_x']);
    reduce(alone, { kind: 'suite-inseparable', at: 2200, agent: a1, why: 'test_x lacks a module', file, companions });
    return takeCensus(alone, old, all);
  };
  expect(learn(many.slice(1))).toMatchObject({ inseparable: null, companions: many.slice(1) });
  expect(learn(many)).toMatchObject({ inseparable: 'test_x lacks a module', companions: [] });
});

test('leaves a file that has no tests left, alone or in the whole list, out of the new census', () => {
  const state = restarted(found('nothing', []), []);
  expect(takeCensus(state, old, contents)).toMatchObject({ inseparable: null, files: new Map() });
});

test('a run that ends early keeps the failures of the run before it that it did not reach', () => {
  const reached = nodeId('tests/test_1.py::test_x');
  const unreached = nodeId('tests/test_1.py::test_y');
  const before = { ...old, failed: [reached, unreached], uncollected: testFile('tests/test_3.py') };
  const nothing = stateAfter(opened([], { collect: 'suite' }), joined(a1));
  expect(takeCensus(nothing, before, contents)).toMatchObject({ failed: before.failed, uncollected: 'tests/test_3.py' });

  const some = restarted(found('now', []), [[file, 'now']]);
  for (const event of [
    enqueued(1),
    started(a1, 1),
    reported(a1, 1, 1, collected(file, before.failed)),
    reported(a1, 1, 1, finished(reached)),
  ])
    reduce(some, event);
  expect(takeCensus(some, before, contents)).toMatchObject({ failed: [unreached], uncollected: null });
});

test('does not restart without Redis', () => {
  const state = found('now', ['tests/test_1.py::test_x']);
  expect(restartOf(state, 3000)).not.toBeNull();
  reduce(state, { kind: 'redis-lost', at: 2300, message: 'no usable answer' });
  expect(restartOf(state, 3000)).toBeNull();
});

test('does not restart after a test that must not run twice, and the next run collects the whole list', () => {
  const state = found('now', ['tests/test_1.py::test_x'], false);
  const ran = { nodeid: nodeId('tests/test_1.py::test_x'), file, line: 1, startedAt: 2200, seconds: 0.1, setupSeconds: 0, worker: 'gw0' };
  const result = { ...ran, outcome: 'passed', isCrash: false, message: null, brief: null, sections: [] } as const;
  reduce(state, reported(a1, 1, 1, { kind: 'test-finished', at: 2300, result }));
  expect(restartOf(state, 3000)).toBeNull();
  expect(takeCensus(state, old, contents)?.inseparable).toBe(
    'tests/test_1.py has other tests than when the whole suite was last collected',
  );
});

test('an unchanged file that cannot be collected by file restarts the run; if the whole list holds it, the suite is inseparable', () => {
  const alone = stateAfter(
    opened([shardOf(1, [file])], { digests: { [file]: 'before' } }),
    joined(a1),
    enqueued(1),
    started(a1, 1),
    reported(a1, 1, 1, collectFailed(file, 'no attribute part')),
  );
  expect(restartOf(alone, 3000)?.restarted).toMatchObject({
    why: 'tests/test_1.py could be collected with the whole suite, and cannot be collected by file',
    mismatch: { file, digest: null },
  });
  const why = 'tests/test_1.py has no tests when it is collected by file';
  expect(takeCensus(restarted(alone, [[file, 'before']]), old, contents)?.inseparable).toBe(why);
  // The whole list cannot collect it either: what it imports has changed.
  expect(takeCensus(restarted(alone, []), old, contents)).toMatchObject({ inseparable: null, files: new Map() });
});

test('an error that another agent may still refute restarts no run', () => {
  const events = [enqueued(1), started(a1, 1), reported(a1, 1, 1, collectFailed(file, 'no module on a1'))];
  const run = opened([shardOf(1, [file])], { digests: { [file]: 'before' } });
  expect(restartOf(stateAfter(run, joined(a1), joined(a2), ...events), 3000)).toBeNull();
  expect(restartOf(stateAfter(run, joined(a1), ...events), 3000)).not.toBeNull();
});

test('restarts at a new failure in a run with companions, as they are imported earlier than in plain pytest', () => {
  const id = nodeId('tests/test_1.py::test_x');
  const failing = (companions: readonly TestFile[], failedWhole: readonly NodeId[]) =>
    restartOf(
      stateAfter(
        opened([shardOf(1, [file])], { companions, failedWhole }),
        joined(a1),
        enqueued(1),
        started(a1, 1),
        reported(a1, 1, 1, collected(file, [id])),
        reported(a1, 1, 1, finished(id, 'failed')),
      ),
      3000,
    )?.restarted?.why;
  const companion = testFile('tests/test_2.py');
  expect(failing([companion], [])).toBe('tests/test_1.py::test_x did not fail when the whole suite was collected, and fails by file');
  expect(failing([companion], [id])).toBeUndefined();
  expect(failing([], [])).toBeUndefined();
});
