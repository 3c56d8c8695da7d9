import { expect, test } from 'vitest';
import { restartOf } from '../../../coordinator/core/decide/restart.ts';
import { takeCensus } from '../../../coordinator/core/learn/take-census.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { type Census, forgetFixed } from '../../../shared/domain/census.ts';
import { nodeId, testFile } from '../../../shared/domain/ids.ts';
import { a1, collected, enqueued, finished, joined, opened, reported, shardOf, started, stateAfter } from './run-kit.ts';

const file = testFile('tests/test_1.py');
const contents = new Map([[file, 'c1']]);
const old: Census = {
  problems: [],
  inseparable: null,
  inseparableFile: null,
  modules: [],
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
function restarted(alone: ReturnType<typeof found>, digests: readonly (readonly [typeof file, string])[], modules: readonly string[] = []) {
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
    proof: { problems: [], digests, modules },
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

test('replaces the census when the whole list matches the file collected alone, so collection by file stays possible', () => {
  const state = restarted(found('now', ['tests/test_1.py::test_x']), [[file, 'now']]);
  expect(takeCensus(state, old, contents)).toMatchObject({ inseparable: null, files: new Map([[file, { content: 'c1', digest: 'now' }]]) });
});

test('marks the suite inseparable when the whole list differs from the file collected alone', () => {
  const why = 'tests/test_1.py has other tests when it is collected alone';
  for (const digests of [[[file, 'before']], [[file, 'third']], []] as const) {
    const state = restarted(found('now', ['tests/test_1.py::test_x']), digests);
    expect(takeCensus(state, old, contents)?.inseparable).toBe(why);
  }
  expect(takeCensus(restarted(found('now', []), [[file, 'now']]), old, contents)?.inseparable).toBe(why);
});

test('forgets a reason that one test showed once its file has changed, but not in a run without that file', () => {
  const alone = found('before', ['tests/test_1.py::test_x']);
  reduce(alone, { kind: 'suite-inseparable', at: 2200, agent: a1, why: 'test_x lacks a module', file });
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
  expect(forgetFixed(taken, new Map([[file, 'c2']])).inseparable).toBe('tests/test_1.py has other tests when it is collected alone');
});

test('keeps the modules of earlier collections, since a run of a part of the suite loads fewer', () => {
  const before = { ...old, modules: ['pack', 'pack.part'] };
  expect(takeCensus(restarted(found('now', []), [[file, 'now']], ['pack.other']), before, contents)?.modules).toEqual([
    'pack',
    'pack.part',
    'pack.other',
  ]);
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
