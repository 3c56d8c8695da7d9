// The spans of a run, from its state and report.

import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { expect, test } from 'vitest';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import type { RunState } from '../../../coordinator/core/state/run-state.ts';
import { chooseSpans } from '../../../coordinator/reporters/traces/span-budget.ts';
import { type Span, spansOf } from '../../../coordinator/reporters/traces/spans.ts';
import { nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { Report } from '../../../shared/domain/report.ts';
import {
  a1,
  a2,
  closedDone,
  collected,
  crashed,
  ended,
  enqueued,
  finished,
  givenUp,
  joined,
  opened,
  reported,
  reportOf,
  shardOf,
  started,
  stateAfter,
} from '../core/run-kit.ts';

function stateAndReport(...given: Parameters<typeof stateAfter>): [RunState, Report] {
  const state = stateAfter(...given);
  return [state, reportOf(state)];
}

const files = [shardOf(1, ['a.py']), shardOf(2, ['b.py'])];

/** The spans after these events, with the names of their parents. */
function traced(events: readonly CoordinatorEvent[], changes: Partial<Report> = {}, most?: number) {
  const state = stateAfter(opened(files), ...events);
  const spans = spansOf(state, { ...reportOf(state), ...changes }, most);
  return spans.map((span) => ({ ...span, parent: span.parent === null ? null : (spans[span.parent]?.name ?? 'missing') }));
}

const named = (spans: readonly (Omit<Span, 'parent'> & { readonly parent: string | null })[], name: string) => {
  const found = spans.filter((span) => span.name === name);
  expect(found).toHaveLength(1);
  return found[0];
};

const whole: readonly CoordinatorEvent[] = [
  joined(a1, 1000, 2, { host: 'build-1' }),
  enqueued(1),
  enqueued(2),
  started(a1, 1, 1, 2000),
  reported(a1, 1, 1, collected('a.py', ['a.py::test_a', 'a.py::test_b'], 0.05)),
  reported(a1, 1, 1, finished('a.py::test_a', 'passed', { startedAt: 2200, seconds: 0.5 })),
  reported(a1, 1, 1, finished('a.py::test_b', 'failed', { startedAt: 2800, seconds: 1, brief: 'KeyError: 7', message: 'E   KeyError: 7' })),
  ended(a1, 1),
  started(a1, 2, 1, 2500),
  reported(a1, 2, 1, collected('b.py', ['b.py::test_c'], 0)),
  reported(a1, 2, 1, finished('b.py::test_c', 'skipped', { startedAt: 2600, seconds: 0 })),
  ended(a1, 2),
  closedDone(),
];

test('a run has spans for its preparation, its shards, and their collections and tests', () => {
  const spans = traced(whole);
  expect(spans.map(({ name, parent, from, to, error }) => [name, parent, from, to, error])).toEqual([
    ['shardline run', null, 0, 7000, 'failed (exit code 1)'],
    ['preparation', 'shardline run', 0, 1000, null],
    ['discovery', 'preparation', 0, 600, null],
    ['shard s1', 'shardline run', 2000, 4000, '1 test failed'],
    ['shard s2', 'shardline run', 2500, 4500, null],
    ['collect a.py', 'shard s1', 2050, 2100, null],
    ['a.py::test_a', 'shard s1', 2200, 2700, null],
    ['a.py::test_b', 'shard s1', 2800, 3800, 'KeyError: 7'],
    ['b.py::test_c', 'shard s2', 2600, 2600, null],
  ]);
});

test('attributes say what happened, where, and to which test', () => {
  const spans = traced(whole);
  expect(named(spans, 'shardline run')?.attributes).toMatchObject({
    'cicd.pipeline.run.id': 'r1',
    'cicd.pipeline.result': 'failure',
    'error.type': 'failed',
    'shardline.exit_code': 1,
    'shardline.tests.expected': 3,
    'shardline.tests.skipped': 1,
    'shardline.spans.left_out': 0,
  });
  expect(named(spans, 'shard s1')?.attributes).toEqual({
    'cicd.pipeline.task.name': 's1',
    'cicd.pipeline.task.run.id': 's1.1',
    'cicd.pipeline.task.run.result': 'failure',
    'cicd.pipeline.task.type': 'test',
    'error.type': 'failed',
    'host.name': 'build-1',
    'shardline.agent.id': 'a1',
    'shardline.attempt.number': 1,
    'shardline.attempt.role': 'primary',
    'shardline.attempt.ending': 'finished',
  });
  expect(named(spans, 'a.py::test_b')?.attributes).toEqual({
    'test.case.name': 'a.py::test_b',
    'test.case.result.status': 'fail',
    'test.suite.name': 'a.py',
    'code.file.path': 'a.py',
    'code.line.number': 7,
    'error.type': 'KeyError',
    'host.name': 'build-1',
    'shardline.agent.id': 'a1',
    'shardline.worker': 'gw0',
    'shardline.test.outcome': 'failed',
  });
});

test('names of attributes are those of the semantic conventions, or begin with shardline', () => {
  const known = new Set<unknown>(Object.values(conventions));
  const names = new Set(
    traced(whole, { origin: { project: 'p', branch: 'main', command: '', job: 'https://ci.example/1' } }).flatMap(({ attributes }) =>
      Object.keys(attributes),
    ),
  );
  expect([...names].filter((name) => !known.has(name) && !name.startsWith('shardline.'))).toEqual([]);
  expect(names).toContain('vcs.ref.head.name');
});

test('a crashed attempt, its retry and a test without a result have different results in the trace', () => {
  const spans = traced([
    enqueued(1),
    started(a1, 1, 1, 2000),
    reported(a1, 1, 1, collected('a.py', ['a.py::test_a', 'a.py::test_b'])),
    ended(a1, 1, 1, crashed('a.py::test_b')),
    enqueued(1, 2),
    started(a2, 1, 2, 5000),
    reported(a2, 1, 2, finished('a.py::test_a', 'passed', { startedAt: 5100, seconds: 1 })),
    ended(a2, 1, 2, crashed('a.py::test_b')),
    givenUp(1),
  ]);
  const shards = spans.filter(({ name }) => name === 'shard s1');
  expect(shards.map(({ error, attributes }) => [error, attributes['error.type'], attributes['shardline.attempt.number']])).toEqual([
    ['pytest was killed by SIGKILL', 'crashed', 1],
    ['pytest was killed by SIGKILL', 'crashed', 2],
  ]);
  expect(named(spans, 'a.py::test_b')).toMatchObject({
    parent: 'shardline run',
    error: expect.stringContaining('shardline received no result from 2 attempts'),
    attributes: { 'error.type': 'no-result', 'shardline.test.outcome': 'error' },
  });
});

test('a rerun has a span in its own attempt, and only the last one says flaky', () => {
  const spans = spansOf(
    ...stateAndReport(
      opened([shardOf(1, ['a.py'])], { reruns: { times: 1, limit: { kind: 'percent', percent: 100 } } }),
      enqueued(1),
      started(a1, 1),
      reported(a1, 1, 1, collected('a.py', ['a.py::test_a'])),
      reported(a1, 1, 1, finished('a.py::test_a', 'failed', { startedAt: 2200 })),
      ended(a1, 1),
      enqueued(1, 2, 'rerun', [{ kind: 'tests', file: testFile('a.py'), nodeids: [nodeId('a.py::test_a')] }]),
      started(a1, 1, 2, 5000),
      reported(a1, 1, 2, finished('a.py::test_a', 'passed', { startedAt: 5100 })),
      ended(a1, 1, 2),
      closedDone(),
    ),
  );
  const runs = spans.filter(({ name }) => name === 'a.py::test_a');
  expect(
    runs.map(({ parent, error, attributes }) => [
      spans[parent ?? -1]?.attributes['shardline.attempt.role'],
      error,
      attributes['shardline.test.flaky'],
    ]),
  ).toEqual([
    ['primary', 'failed', undefined],
    ['rerun', null, true],
  ]);
});

test('text of tests loses control characters and the middle of what is too long', () => {
  const id = `a.py::test_a[${'x'.repeat(3000)}]`;
  const long = `ValueError: \u001b[31m${'y'.repeat(3000)}`;
  const spans = traced([
    enqueued(1),
    started(a1, 1),
    reported(a1, 1, 1, collected('a.py', [id])),
    reported(a1, 1, 1, finished(id, 'failed', { brief: long, message: long })),
  ]);
  const span = spans.at(-1);
  expect(span?.name.length).toBeLessThan(300);
  expect(String(span?.attributes['test.case.name']).length).toBeLessThan(1010);
  expect(span?.error?.length).toBeLessThan(1010);
  expect(span?.error).toMatch(/^ValueError: y+\[…\]y+$/);
});

test('a parent includes its children, whose clocks may differ', () => {
  const spans = traced([
    enqueued(1),
    started(a1, 1, 1, 2000),
    reported(a1, 1, 1, collected('a.py', ['a.py::test_a'], 0.05)),
    reported(a1, 1, 1, finished('a.py::test_a', 'passed', { startedAt: 1990, seconds: 9 })),
    ended(a1, 1),
  ]);
  expect(named(spans, 'shard s1')).toMatchObject({ from: 1990, to: 10_990 });
  expect(named(spans, 'shardline run')).toMatchObject({ from: 0, to: 10_990 });
});

test('a run above the budget shows its failed and slowest tests, and says how many are left out', () => {
  const spans = traced(whole, {}, 6);
  expect(spans.map(({ name }) => name)).toEqual(['shardline run', 'preparation', 'discovery', 'shard s1', 'a.py::test_a', 'a.py::test_b']);
  expect(spans[0]?.attributes['shardline.spans.left_out']).toBe(3);
});

test('the budget holds for a million tests, all of which failed', () => {
  const tests = Array.from({ length: 1_000_000 }, (_, index) => ({ from: 0, to: index, failed: true }));
  const attempts = Array.from({ length: 20_000 }, (_, index) => ({ from: 0, to: index, failed: index === 3 }));
  const chosen = chooseSpans(attempts, [], tests, 10_000);
  expect(chosen.attempts).toHaveLength(5000);
  expect(chosen.attempts[0]).toBe(attempts[3]);
  expect(chosen.tests).toEqual(tests.slice(-5000));
});
