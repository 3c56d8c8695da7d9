// The dashboard's view of a run, built from agents' events and sent to the page in parts.

import { expect, test } from 'vitest';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { replayRun } from '../../../coordinator/reporters/reporter.ts';
import { joinColumns, liveModel } from '../../../coordinator/web/browser/live-model.ts';
import { nodeidOf, statusWord } from '../../../coordinator/web/browser/model.ts';
import { columnsSince, lengthsOf } from '../../../coordinator/web/live-columns.ts';
import { createLiveRun } from '../../../coordinator/web/live-run.ts';
import { createLiveRuns } from '../../../coordinator/web/live-runs.ts';
import { type AttemptEvent, isRunEventKind, type RunEvent, type TestResult } from '../../../shared/domain/events.ts';
import { agentId, attemptId, nodeId, runId, shardId, testFile } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import { inTimeOf } from '../../../shared/wire/agreed-time.ts';
import { decodeNote, encodeNote, type RunNote } from '../../../shared/wire/run-note.ts';
import { opened, shardOf } from '../core/run-kit.ts';

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
  priority: 0,
  drain: null,
} as const;
const isOfAgent = (event: CoordinatorEvent): event is RunEvent => isRunEventKind(event.kind);
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
  kind: 'attempt-reported',
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
  expect(run.line()).toEqual({ runId: 'r1', isOpen: false, verdict: 'ended', tests: 1, failures: 1 });
});

test('a test that fails and then passes in a rerun is flaky, not a failure', () => {
  const run = createLiveRun(spec);
  const rerun = attemptId(shardId(1), 2);
  const again = (event: RunEvent): RunEvent => (event.kind === 'attempt-reported' ? { ...event, attempt: rerun } : event);
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
  let received = structuredClone(run.columns);
  for (const event of events) {
    const seen = lengthsOf(run.columns);
    run.observe(event);
    received = joinColumns(received, structuredClone(columnsSince(run.columns, seen)));
  }
  expect(received).toEqual(run.columns);
  const model = liveModel(run.head(5000), received);
  expect(Array.from({ length: model.count }, (_, row) => [nodeidOf(model, row), statusWord(model, row)])).toEqual([
    ['tests/test_a.py::test_1', 'failed'],
    ['tests/test_a.py::test_2', 'passed'],
    ['tests/test_a.py::test_3', 'skipped'],
    ['tests/test_b.py', 'error'],
  ]);
});

test('a stream of a run that another process coordinates gives the page that a replay of the whole record gives', async () => {
  const shard = shardOf(1, [file]);
  const opening = opened([shard]);
  const attempt = attemptId(shardId(1), 1);
  const about = { agent, attempt, shard: shardId(1) };
  const events: readonly CoordinatorEvent[] = [
    opening,
    { kind: 'attempt-enqueued', at: 1100, attempt, shard: shardId(1), fence: 1, role: 'primary', selectors: shard.selectors },
    joined,
    { kind: 'attempt-started', at: 1200, ...about, fence: 1, role: 'primary' },
    collected,
    started('test_1', 'gw0'),
    ended('test_1', 'failed'),
    ended('test_2', 'passed'),
    ended('test_3', 'passed'),
    { kind: 'attempt-ended', at: 4000, ...about, ending: { kind: 'finished' }, seconds: 2 },
    { kind: 'run-closed', at: 7000, why: { kind: 'done' } },
  ];
  const replayed = createLiveRun(opening.spec);
  await replayRun([replayed], events);

  const aheadMs = 50_000;
  const runs = createLiveRuns(aheadMs);
  runs.opened({ ...opening.spec, openedAt: opening.spec.openedAt + aheadMs });
  runs.streamed(
    opening.spec.runId,
    events.filter(isOfAgent).map((event) => inTimeOf(event, aheadMs)),
  );
  runs.closed(opening.spec.runId, 7000);
  const [streamed] = runs.newestFirst();

  expect(streamed?.head(9000)).toEqual(replayed.head(9000));
  expect(streamed?.columns).toEqual(replayed.columns);
  expect(streamed?.line()).toEqual({ runId: 'r1', isOpen: false, verdict: 'ended', tests: 3, failures: 1 });
});

const deadline = { seconds: 9.5, reserveSeconds: 1, endsAt: 61_000, met: false };
const endedNote: RunNote = {
  at: 56_000,
  deadline,
  state: {
    kind: 'ended',
    verdict: 'deadline',
    exitCode: 10,
    report: { host: 'ci-1', path: '/out/report.html' },
    job: 'https://ci.example/1',
  },
};

test('shows the notes of a run: progress and deadline while it is open, then the verdict and the report', () => {
  const runs = createLiveRuns(50_000);
  const id = runId('r1');
  runs.opened({ ...spec, openedAt: 51_000 });
  runs.noted(id, { at: 52_000, deadline, state: { kind: 'running', load: null, filesDone: 1, files: 3, endsAt: 58_000 } });
  const head = (now: number) => runs.newestFirst()[0]?.head(now);
  expect(head(2500)).toMatchObject({
    verdict: 'running',
    progress: { filesDone: 1, files: 3, endsAt: 7000 },
    deadline: { seconds: 9.5, atMs: 10_000, met: false },
    report: null,
  });
  // A forecast that nobody has renewed is no forecast.
  expect(head(13_000)).toMatchObject({ progress: { filesDone: 1, files: 3, endsAt: null } });
  // An earlier coordinator ended the run, and another one resumed it.
  runs.noted(id, endedNote);
  expect(head(2500)).toMatchObject({ verdict: 'running', exitCode: null, report: null, job: null });
  runs.closed(id, 5000);
  expect(head(6000)).toMatchObject({
    verdict: 'deadline',
    exitCode: 10,
    report: '/out/report.html on ci-1',
    job: 'https://ci.example/1',
    running: [],
  });
});

test('a note is data: its texts become one line, and only a web address becomes a link', () => {
  const state = { kind: 'ended', verdict: 'passed', exitCode: 0, report: { host: 'ci\n1', path: '/out/report.html' }, job: null } as const;
  const note = { at: 1, deadline: null, state };
  const read = { ...note, state: { ...state, report: { ...state.report, host: 'ci\\n1' } } };
  expect(decodeNote(encodeNote(note), 'test')).toEqual(read);
  expect(() => decodeNote(encodeNote({ ...note, state: { ...state, job: 'javascript:alert(1)' } }), 'test')).toThrow(/job/);
  expect(() => decodeNote('{"version":2,"note":{}}', 'test')).toThrow(expect.objectContaining({ code: 'newer-version' }));
});

test('a dashboard keeps every open run and the ten runs that were closed last, newest first', () => {
  const runs = createLiveRuns(0);
  const ids = Array.from({ length: 14 }, (_, index) => runId(`r${index}`));
  for (const id of ids) runs.opened({ ...spec, runId: id });
  for (const id of ids.slice(1, 13)) runs.closed(id, 5000);
  expect(runs.newestFirst().map((run) => run.line().runId)).toEqual(['r13', ...ids.slice(3, 13).toReversed(), 'r0']);
});
