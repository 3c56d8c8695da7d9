// What one attempt reports when its workers end before it.

import { expect, test } from 'vitest';
import { createAttemptLog } from '../../../agent/pytest/attempt-log.ts';
import type { PytestMessage } from '../../../agent/pytest/codec.ts';
import type { AttemptEvent } from '../../../shared/domain/events.ts';
import { testFile } from '../../../shared/domain/ids.ts';

const [a, b] = ['test_a.py', 'test_b.py'];
const [one, two] = [`${a}::one`, `${a}::two`];
const collected: PytestMessage = {
  kind: 'collected',
  task: 1,
  file: a,
  nodeids: [one, two],
  serial: [],
  needs: [],
  unmet: [],
  mayBackUp: true,
  digest: null,
  seconds: 0,
};
const started = (nodeid: string): PytestMessage => ({ kind: 'test-started', nodeid, at: 1000 });
const passed = (nodeid: string, at = 2000): PytestMessage => ({
  kind: 'test-finished',
  nodeid,
  at,
  startedAt: 1000,
  line: 1,
  phases: [{ when: 'call', outcome: 'passed', seconds: 1, xfailReason: null, isSubtest: false, message: null, crash: null }],
  sections: [],
  warnings: [],
  properties: [],
  rssBytes: 0,
  cpuSeconds: 0,
});
const down: PytestMessage = { kind: 'worker-down', worker: 'gw0', error: 'Not properly terminated', isReplaced: true };

function setUp(files: readonly string[] = [a]) {
  const events: AttemptEvent[] = [];
  const log = createAttemptLog(
    files.map((file) => ({ kind: 'file', file: testFile(file) })),
    (event) => events.push(event),
    () => 4000,
  );
  const receive = (...messages: PytestMessage[]): void => {
    for (const message of messages) log.receive(message, 'gw0');
  };
  /** Each event in words, with the message of its error. */
  const reported = (): readonly string[] =>
    events.flatMap((event) => {
      if (event.kind === 'collect-failed') return event.errors.map(({ nodeid, message }) => `${event.file} ${nodeid}: ${message}`);
      if (event.kind !== 'test-finished') return [];
      const { nodeid, outcome, seconds, message } = event.result;
      return [`${nodeid} ${outcome} ${seconds} s: ${message}`];
    });
  return { log, events, receive, reported };
}

test('a crash becomes the error of the running test, and the rest of its file is left to run', () => {
  const { log, receive, reported } = setUp();
  receive(collected, started(one));
  expect(log.running()).toBe(one);
  receive(down);
  expect(reported()).toEqual([`${one} error 3 s: xdist worker gw0 crashed while running ${one}: Not properly terminated`]);
  expect(log.running()).toBeNull();
  expect(log.remaining()).toEqual([{ kind: 'tests', file: a, nodeids: [two] }]);
});

test('a crash becomes the error of the file that was being collected', () => {
  const { log, receive, reported } = setUp([b]);
  receive({ kind: 'collecting', task: 1, file: b }, down, down);
  expect(reported()).toEqual([`${b} ${b}: xdist worker gw0 crashed while collecting ${b}: Not properly terminated`]);
  expect(log.missing()).toEqual([]);
});

test('a crash in a teardown becomes an error under the name of the last test, which keeps its result', () => {
  const { receive, reported } = setUp();
  receive(collected, started(one), passed(one), { kind: 'tearing-down', nodeid: one }, down);
  expect(reported()).toEqual([
    `${one} passed 1 s: null`,
    `${a} ${one}: xdist worker gw0 crashed in a teardown after ${one}: Not properly terminated`,
  ]);
});

test('an internal error explains the crash that follows it', () => {
  const { receive, reported } = setUp();
  receive(collected, started(one), { kind: 'internal-error', message: 'INTERNALERROR> KeyError' }, down);
  expect(reported()).toEqual([
    `${one} error 3 s: xdist worker gw0 crashed while running ${one}: Not properly terminated\nINTERNALERROR> KeyError`,
  ]);
});

test('a worker that shardline ends itself leaves its test without a result', () => {
  const { log, receive, reported } = setUp();
  receive(collected, started(one));
  log.expectLosses();
  receive({ kind: 'exit-requested', reason: 'KeyboardInterrupt' }, down);
  expect(reported()).toEqual([]);
  expect(log.isExitRequested).toBe(false);
  expect(log.missing()).toEqual([one, two]);
});

test('what a test reports after Ctrl-C is no result, and what it reported before is one', () => {
  const { log, events, receive, reported } = setUp();
  receive(collected, started(one), started(two));
  log.interrupt();
  receive(passed(one), passed(two, 4000), { kind: 'torn-down', nodeid: two, message: 'KeyboardInterrupt' }, down);
  expect(reported()).toEqual([`${one} passed 1 s: null`]);
  expect(events.filter(({ kind }) => kind === 'collect-failed')).toEqual([]);
  expect(log.missing()).toEqual([two]);
});

test('pytest.exit is the error of the running test but no crash', () => {
  const { log, events, receive, reported } = setUp();
  receive(collected, started(one), { kind: 'exit-requested', reason: 'enough' });
  expect(log.isExitRequested).toBe(true);
  expect(reported()).toEqual([`${one} error 3 s: pytest.exit was called while running ${one}: enough`]);
  expect(events.at(-1)).toMatchObject({ result: { isCrash: false } });
});

test('forwards each file and each result once, whichever workers repeat them', () => {
  const { log, events } = setUp();
  for (const worker of ['gw0', 'gw1']) for (const message of [collected, passed(one)]) log.receive(message, worker);
  expect(events.map(({ kind }) => kind)).toEqual(['collected', 'test-finished']);
});
