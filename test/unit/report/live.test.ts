// The dashboard's view of a run, built from agents' events and sent to the page in parts.

import { expect, test } from 'vitest';
import { joinColumns, liveModel } from '../../../coordinator/web/browser/live-model.ts';
import { nodeidOf, statusWord } from '../../../coordinator/web/browser/model.ts';
import { columnsSince, lengthsOf } from '../../../coordinator/web/live-columns.ts';
import { createLiveRun } from '../../../coordinator/web/live-run.ts';
import type { AttemptEvent, RunEvent, TestResult } from '../../../shared/domain/events.ts';
import { agentId, attemptId, nodeId, runId, shardId, testFile } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';

const spec = {
  runId: runId('r1'),
  pool: 'default',
  collect: 'file',
  pytestArgs: [],
  cache: null,
  harmless: [],
  maxfail: 0,
  serialMarker: 'serial',
  relay: 'auto',
  fingerprintPolicy: 'strict',
  files: null,
  maxWorkerBytes: 0,
  maxWorkerFiles: 0,
  stopsItself: false,
  testTimeoutSeconds: null,
  openedAt: 1000,
  drain: null,
} as const;
const agent = agentId('a1');
const file = testFile('tests/test_a.py');
const idOf = (name: string) => nodeId(`tests/test_a.py::${name}`);
const joined: RunEvent = {
  kind: 'agent-joined',
  at: 1000,
  agent: {
    id: agent,
    host: 'h',
    pid: 1,
    workers: 2,
    python: '3',
    pytest: '8',
    xdist: '3',
    hashSeed: null,
    isLocal: false,
    fingerprint: { files: null, python: null },
  },
};
const told = (event: AttemptEvent): RunEvent => ({
  kind: 'attempt-told',
  agent,
  attempt: attemptId(shardId(1), 1),
  shard: shardId(1),
  event,
});
const collected = told({
  kind: 'collected',
  at: 1500,
  file,
  nodeids: ['test_1', 'test_2', 'test_3'].map(idOf),
  serial: [],
  mayBackUp: true,
  digest: null,
  seconds: 0.1,
  worker: 'gw0',
});
const started = (name: string, worker: string): RunEvent => told({ kind: 'test-started', at: 2000, nodeid: idOf(name), worker });
function ended(name: string, outcome: Outcome, worker = 'gw0'): RunEvent {
  const message = outcome === 'failed' ? 'E   no' : null;
  const result: TestResult = {
    nodeid: idOf(name),
    file,
    line: 1,
    outcome,
    startedAt: 2000,
    seconds: 1,
    setupSeconds: 0,
    worker,
    isCrash: false,
    message,
    brief: null,
    sections: [],
  };
  return told({ kind: 'test-finished', at: 3000, result });
}

test('a live run counts known, finished and running tests, and keeps the first result of a test', () => {
  const run = createLiveRun(spec);
  for (const event of [
    joined,
    collected,
    started('test_1', 'gw0'),
    started('test_2', 'gw1'),
    ended('test_1', 'failed'),
    ended('test_1', 'passed'),
  ])
    run.observe(event);
  const head = run.head(6000);
  expect(head).toMatchObject({
    verdict: 'running',
    finishedAt: 5000,
    totals: { expected: 3, failed: 1, passed: 0, notRun: 2, duplicatesDropped: 1 },
  });
  expect(head.running).toEqual([{ lane: 1, nodeid: 'tests/test_a.py::test_2', startedAt: 1000 }]);
  expect(head.agents).toMatchObject([{ id: 'a1', workers: 2, tests: 1, busySeconds: 1, idleSeconds: 9 }]);
  run.observe({
    kind: 'attempt-ended',
    at: 4000,
    agent,
    attempt: attemptId(shardId(1), 1),
    shard: shardId(1),
    ending: { kind: 'lost' },
    seconds: 2,
  });
  expect(run.head(6000).running).toEqual([]);
  run.end(7000);
  expect(run.head(9000)).toMatchObject({ verdict: 'ended', finishedAt: 6000 });
  expect(run.line()).toEqual({ runId: 'r1', isOpen: false, tests: 1, failures: 1 });
});

test('a test that fails and then passes in a rerun is flaky, not a failure', () => {
  const run = createLiveRun(spec);
  const rerun = attemptId(shardId(1), 2);
  const again = (event: RunEvent): RunEvent => (event.kind === 'attempt-told' ? { ...event, attempt: rerun } : event);
  for (const event of [joined, collected, ended('test_1', 'failed'), ended('test_2', 'passed')]) run.observe(event);
  run.observe({ kind: 'attempt-started', at: 4000, agent, attempt: rerun, shard: shardId(1), fence: 2, role: 'rerun' });
  // A rerun received twice counts once, and a rerun of a passed test changes nothing.
  for (const event of [ended('test_1', 'passed'), ended('test_1', 'passed'), ended('test_2', 'failed')]) run.observe(again(event));
  const head = run.head(6000);
  expect(head.totals).toMatchObject({ expected: 3, passed: 2, failed: 0, flaky: 1, notRun: 1, duplicatesDropped: 2 });
  expect(run.line()).toMatchObject({ tests: 2, failures: 0 });
  const model = liveModel(head, run.columns);
  expect([0, 1].map((row) => [statusWord(model, row), model.isFlaky[row]])).toEqual([
    ['passed', 1],
    ['passed', 0],
  ]);
});

test('a page that receives a run in parts has the same data as the whole', () => {
  const run = createLiveRun(spec);
  const events = [
    joined,
    ended('test_1', 'failed'),
    ended('test_2', 'passed', 'gw1'),
    told({
      kind: 'collect-failed',
      at: 1,
      file: testFile('tests/test_b.py'),
      errors: [{ nodeid: nodeId('tests/test_b.py'), message: 'ImportError' }],
    }),
    ended('test_3', 'skipped'),
  ];
  let heard = structuredClone(run.columns);
  for (const event of events) {
    const seen = lengthsOf(run.columns);
    run.observe(event);
    heard = joinColumns(heard, structuredClone(columnsSince(run.columns, seen)));
  }
  expect(heard).toEqual(run.columns);
  const model = liveModel(run.head(5000), heard);
  expect(Array.from({ length: model.count }, (_, row) => [nodeidOf(model, row), statusWord(model, row)])).toEqual([
    ['tests/test_a.py::test_1', 'failed'],
    ['tests/test_a.py::test_2', 'passed'],
    ['tests/test_a.py::test_3', 'skipped'],
    ['tests/test_b.py', 'error'],
  ]);
});
