// A sample audit for the tests of its forms.

import { type Audit, auditOf } from '../../../coordinator/audit/core/audit.ts';
import type { Findings } from '../../../coordinator/audit/core/findings.ts';
import type { MeasuredTest, Measurement } from '../../../coordinator/audit/core/measurement.ts';
import { fileOf, type NodeId, nodeId, type TestFile } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import { sampleReport, sampleTest } from '../report/sample-report.ts';

/** A measurement of tests of these seconds by id; each file took a second to collect. */
export function sampleMeasurement(
  tests: Readonly<Record<string, number>>,
  changes: Partial<Measurement> = {},
  outcomes: Readonly<Record<string, Outcome>> = {},
): Measurement {
  const measured = Object.entries(tests).map(([id, seconds]): [NodeId, MeasuredTest] => [
    nodeId(id),
    { outcome: outcomes[id] ?? 'passed', seconds, fileSeconds: 0, sessionSeconds: 0, line: 7, isSerial: false },
  ]);
  return {
    seconds: 100,
    isPartial: false,
    workers: 1,
    dist: 'no',
    phases: { start: 1, collection: 10, tests: 88, waiting: 0, end: 1 },
    files: new Map<TestFile, number>(measured.map(([id]) => [fileOf(id), 1])),
    collectionWorkerSeconds: 10,
    tests: new Map(measured),
    fixtures: [],
    notCollected: [],
    cpuSeconds: 50,
    peakRssBytes: 400e6,
    collectedRssBytes: 100e6,
    ...changes,
  };
}

export function sampleAudit(ids: readonly string[], changes: Partial<Findings> = {}): Audit {
  const tests = Object.fromEntries(ids.map((id) => [id, 10]));
  const parallel = { seconds: 60, workers: 2, dist: 'load', phases: { start: 2, collection: 12, tests: 40, waiting: 5, end: 1 } };
  const share = { seconds: 0, share: 0 };
  const breakdown = {
    ...{
      preparation: { seconds: 3, share: 0 },
      'start-up': share,
      collection: { seconds: 5, share: 0 },
      execution: { seconds: 40, share: 0 },
    },
    ...{ between: share, lost: share, imbalance: { seconds: 1, share: 0 }, ending: share },
  };
  const report = sampleReport(ids.map((id) => sampleTest(id, 'passed')));
  return auditOf({
    what: ['tests/'],
    pytestArgs: [],
    finishedAt: '2026-01-02T03:04:05.000Z',
    machine: { cpus: 2, memoryBytes: 1e9 },
    limitSeconds: 1800,
    shardSeconds: 0.005,
    imports: [],
    sequential: sampleMeasurement(tests),
    before: null,
    parallel: sampleMeasurement(tests, { ...parallel, collectionWorkerSeconds: 24 }),
    sharded: {
      seconds: 50,
      agents: 1,
      report: { ...report, profile: { ...report.profile, breakdown, collectionSeconds: 10 } },
    },
    executions: [],
    problems: [],
    ...changes,
  });
}
