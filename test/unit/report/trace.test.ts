// The trace of a run, and its timeline as text.

import { expect, test } from 'vitest';
import { timelineText } from '../../../coordinator/reporters/files/timeline-text.ts';
import { traceJson } from '../../../coordinator/reporters/files/trace.ts';
import { createTraceMarks } from '../../../coordinator/reporters/files/trace-marks.ts';
import type { ReportedTest } from '../../../shared/domain/report.ts';
import { a1, collected, ended, joined, lost, opened, reported, shardOf, started } from '../core/run-kit.ts';
import { sampleReport, sampleTest } from './sample-report.ts';

const at = (given: ReportedTest, offsetMs: number, worker: string, seconds: number): ReportedTest => ({
  ...given,
  attempts: given.attempts.map((attempt) => ({
    ...attempt,
    worker,
    seconds,
    startedAt: new Date(Date.parse(attempt.startedAt) + offsetMs).toISOString(),
  })),
});

interface Traced {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: Readonly<Record<string, unknown>>;
}
const parse = (text: string): Traced[] => (JSON.parse(text) as { traceEvents: Traced[] }).traceEvents;

test('has a process for each agent, a thread for each xdist worker and a slice for each test', () => {
  const report = sampleReport([
    at(sampleTest('t.py::test_a', 'passed'), 500, 'gw0', 0.25),
    at(sampleTest('t.py::test_b', 'failed'), 1000, 'gw1', 2),
  ]);
  const traced = parse(traceJson(report, []));
  expect(traced.filter(({ ph }) => ph === 'M').map(({ name, pid, tid, args }) => [name, pid, tid, args.name])).toEqual([
    ['process_name', 1, 0, 'coordinator of 20260102-030405-abcd'],
    ['process_name', 2, 0, 'agent a1'],
    ['thread_name', 2, 0, 'agent'],
    ['thread_name', 2, 1, 'gw0'],
    ['thread_name', 2, 2, 'gw1'],
  ]);
  expect(traced.find(({ name }) => name === 't.py::test_b')).toMatchObject({
    ph: 'X',
    pid: 2,
    tid: 2,
    ts: 1_000_000,
    dur: 2_000_000,
    args: { outcome: 'failed' },
  });
});

test('the events of a run add collections, shards, agents and the deadline', () => {
  const report = sampleReport([], { startedAt: new Date(0).toISOString() });
  const opening = opened([shardOf(1, ['t.py'])], { deadline: { seconds: 100, reserveSeconds: 2 } });
  const marks = createTraceMarks();
  for (const event of [opening, joined(a1), started(a1, 1), reported(a1, 1, 1, collected('t.py', [])), ended(a1, 1), lost(a1)])
    marks.observe(event);
  const traced = parse(traceJson(report, marks.all()));
  const named = traced.map(({ ph, name }) => `${ph} ${name}`);
  expect(named).toEqual(
    expect.arrayContaining(['i drain', 'i deadline', 'i agent a1 joined', 'i agent a1 lost', 'X collect t.py', 'b shard s1', 'e shard s1']),
  );
  expect(traced.find(({ name }) => name === 'deadline')?.ts).toBe(100_000_000);
});

test('the text timeline is darker while a worker is busy', () => {
  const report = sampleReport([
    at(sampleTest('t.py::test_a', 'passed'), 0, 'gw0', 6),
    at(sampleTest('t.py::test_b', 'passed'), 3000, 'gw1', 1.5),
  ]);
  expect(timelineText(report)).toEqual([
    `a1 gw0 ${'█'.repeat(60)}`,
    `a1 gw1 ${'·'.repeat(30)}${'█'.repeat(15)}${'·'.repeat(15)}`,
    `       0 s${' '.repeat(51)}6.00 s`,
  ]);
  expect(timelineText(sampleReport([]))).toEqual([]);
});
