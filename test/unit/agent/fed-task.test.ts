// The work of a task that another worker continues.

import { expect, test } from 'vitest';
import { createAttemptLog } from '../../../agent/pytest/attempt-log.ts';
import type { PytestMessage } from '../../../agent/pytest/codec.ts';
import { beginAgain, type Task } from '../../../agent/pytest/fed-task.ts';
import { attemptId, nodeId, shardId, testFile } from '../../../shared/domain/ids.ts';
import type { Selector } from '../../../shared/domain/shard.ts';

const [a, b, c] = [testFile('test_a.py'), testFile('test_b.py'), testFile('test_c.py')];
const collected = (file: string, ...nodeids: string[]): PytestMessage => ({
  kind: 'collected',
  task: 1,
  file,
  nodeids,
  serial: [],
  mayBackUp: true,
  digest: null,
  seconds: 0,
});

test('a file that begins again comes whole and first, before the files that are left', () => {
  const selectors: readonly Selector[] = [
    { kind: 'file', file: a },
    { kind: 'tests', file: b, nodeids: [nodeId(`${b}::one`), nodeId(`${b}::two`)] },
    { kind: 'file', file: c },
  ];
  const log = createAttemptLog(selectors, () => undefined, Date.now);
  const task: Task = {
    number: 1,
    attempt: attemptId(shardId(1), 1),
    log,
    selectors,
    isSerial: false,
    predictedSeconds: 1,
    isBegun: true,
    interruptedBy: null,
    unexplained: 0,
    settle: () => undefined,
  };
  log.receive(collected(a), 'gw0');
  log.receive(collected(b, `${b}::one`, `${b}::two`), 'gw0');
  const at = { at: 2, startedAt: 1, line: null, sections: [], warnings: [], properties: [], rssBytes: 0, cpuSeconds: 0 };
  const passed = { when: 'call', outcome: 'passed', seconds: 1, xfailReason: null, isSubtest: false, message: null, crash: null };
  log.receive({ kind: 'test-finished', nodeid: `${b}::one`, phases: [passed], ...at }, 'gw0');
  expect(log.remaining()).toEqual([
    { kind: 'tests', file: b, nodeids: [`${b}::two`] },
    { kind: 'file', file: c },
  ]);
  beginAgain(task, b);
  expect(task.selectors).toEqual(selectors.slice(1));
});
