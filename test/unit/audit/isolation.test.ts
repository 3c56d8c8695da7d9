// Classifies tests whose outcomes differ between executions.

import { expect, test } from 'vitest';
import { type Execution, judgeSuspects, suspectsOf } from '../../../coordinator/audit/core/isolation.ts';
import { nodeId } from '../../../shared/domain/ids.ts';

const id = nodeId('test_a.py::test');
const run = (how: Execution['how'], fails: boolean): Execution => ({ how, outcomes: new Map([[id, fails ? 'failed' : 'passed']]) });

test.each<[string, Execution[], string | undefined]>([
  [
    'failed whenever others ran beside it',
    [
      run('one after another', false),
      run('pytest -n', true),
      run('shardline', true),
      run('by itself', false),
      run('pytest -n, again', true),
    ],
    'parallel',
  ],
  [
    'failed in one parallel execution of three',
    [
      run('one after another', false),
      run('pytest -n', true),
      run('shardline', false),
      run('by itself', false),
      run('pytest -n, again', false),
    ],
    'flaky',
  ],
  ['failed in parallel once, and nothing else was tried', [run('one after another', false), run('pytest -n', true)], 'flaky'],
  ['passed after others alone', [run('one after another', false), run('pytest -n', true), run('by itself', true)], 'alone'],
  ['failed after others alone', [run('one after another', true), run('pytest -n', false), run('by itself', false)], 'first'],
  [
    'passed in a baseline and failed whenever others ran beside it',
    [run('baseline', false), run('pytest -n', true), run('by itself', false), run('pytest -n, again', true)],
    'parallel',
  ],
  ['failed everywhere', [run('one after another', true), run('pytest -n', true)], undefined],
])('classifies a test that %s', (_, executions, kind) => {
  expect(judgeSuspects(executions)[0]?.kind).toBe(kind);
});

test('does not suspect a test only because one execution did not run it', () => {
  expect(suspectsOf([run('one after another', false), { how: 'pytest -n', outcomes: new Map() }])).toEqual([]);
});
