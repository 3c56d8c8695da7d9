// The data of report.html: its columns, the rows it finds, the lanes of the timeline, and formatted durations and sizes.

import { describe, expect, test } from 'vitest';
import { NO_PLACES, type Places } from '../../../coordinator/report-places.ts';
import { attemptsOf, laneName, nodeidOf, readModel, statusWord } from '../../../coordinator/web/browser/model.ts';
import { createFinder, everything, slowestFiles } from '../../../coordinator/web/browser/query.ts';
import { timelineOf, utilisation } from '../../../coordinator/web/browser/timeline/lanes.ts';
import { bytes, duration, instant } from '../../../coordinator/web/browser/words.ts';
import { nextSteps } from '../../../coordinator/web/next-steps.ts';
import { reportHtml } from '../../../coordinator/web/report-html.ts';
import { pageData } from '../../../coordinator/web/report-page.ts';
import { agentId, nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { Report } from '../../../shared/domain/report.ts';
import { syntheticReport } from '../../support/synthetic-report.ts';
import { sampleReport, sampleTest } from './sample-report.ts';

const model = (report: Report) => readModel(pageData(report, NO_PLACES));
const shop = syntheticReport({ tests: 400, agents: 2, workers: 3, seed: 3, failuresPerThousand: 40, deadlineSeconds: 5 });

describe('the next steps', () => {
  const failed = sampleReport([sampleTest('t.py::test_a', 'failed')]);
  const missing = (reason: Report['notRun'][number]['reason']): Report =>
    sampleReport([], { notRun: [{ nodeid: testFile('t.py'), kind: 'file', tests: 1, reason, predictedSeconds: 1 }] });
  const origin = { project: 'shop', branch: null, command: 'shardline run', job: null };
  const usual = { json: '.shardline/runs/r/report.json', isNewest: true };
  const own = { json: 'report.json', isNewest: false };
  const inCi = { ...origin, job: 'https://ci.example/1' };
  test.each<readonly [string, Report, Pick<Places, 'json' | 'isNewest'>, readonly string[]]>([
    ['a run that passed', sampleReport([sampleTest('t.py::test_a', 'passed')]), usual, []],
    ['a failure on this machine', { ...failed, origin }, usual, ['Run only what failed: `shardline run --failed`.']],
    [
      'a failure in CI',
      { ...failed, origin: inCi },
      own,
      ['Run only what failed: `shardline run --failed --baseline report.json`, with the report.json of this run.'],
    ],
    [
      'a failure in a report that was written elsewhere',
      failed,
      { json: 'all.json', isNewest: false },
      ['Run only what failed: `shardline run --failed --baseline all.json`.'],
    ],
    ['a failure in a report without a JSON file', failed, NO_PLACES, []],
    [
      'an interrupted run',
      sampleReport([], { verdict: 'interrupted' }),
      usual,
      ['The run was interrupted: run the same command again. `--resume` is only for a run whose coordinator died.'],
    ],
    ['a deadline', missing('deadline'), usual, ['The deadline was too short: raise `--deadline`, or add agents.']],
    ['a crash', missing('crash-limit'), usual, ['Tests crash pytest or its agent: open them in the list of tests, and run each alone.']],
    ['no agent', missing('no-agent'), usual, ['No agent was left: see "Agents and time", and check them with `shardline doctor`.']],
    ['files that depend on each other', missing('inseparable'), usual, ['Test files depend on each other: run with `--collect suite`.']],
    [
      'a missing part',
      sampleReport([], { partProblems: ['part 2 of 3 is missing'] }),
      usual,
      ['The parts do not cover the suite: run the missing part again, and merge again.'],
    ],
  ])('of %s', (_, report, places, steps) => {
    expect(nextSteps(report, places)).toEqual(steps);
  });
});

describe('the columns of a page', () => {
  test('contain every test, attempt, not-run entry and collection error of the report', () => {
    const report = {
      ...shop,
      collectErrors: [{ file: testFile('tests/test_broken.py'), nodeid: nodeId('tests/test_broken.py'), message: 'ImportError' }],
    };
    const read = model(report);
    expect(read.count).toBe(report.tests.length + report.notRun.length + 1);
    report.tests.forEach((each, row) => {
      expect(nodeidOf(read, row)).toBe(each.nodeid);
      expect(statusWord(read, row)).toBe(each.outcome);
      expect(attemptsOf(read, row).map((attempt) => laneName(read, attempt))).toEqual(
        each.attempts.map(({ agent, worker }) => `${agent} ${worker}`),
      );
      expect(attemptsOf(read, row).map((attempt) => read.attempts.text.get(attempt) ?? null)).toEqual(
        each.attempts.map(({ message }) => message),
      );
      expect(read.isFlaky[row]).toBe(each.flaky ? 1 : 0);
    });
    report.notRun.forEach((each, index) => {
      const row = report.tests.length + index;
      expect([nodeidOf(read, row), statusWord(read, row), read.why.get(row)]).toEqual([each.nodeid, 'not run', 'deadline reached']);
    });
    expect([nodeidOf(read, read.count - 1), read.why.get(read.count - 1)]).toEqual(['tests/test_broken.py', 'ImportError']);
  });

  test('omit only the output of passed tests', () => {
    const tests = [sampleTest('a.py::test_1', 'passed', null, 'chatter'), sampleTest('a.py::test_2', 'failed', 'E   no', 'output')];
    expect(pageData(sampleReport(tests), NO_PLACES).texts).toEqual(['E   no', 'Captured stdout call', 'output']);
  });

  test('name the place of a skip by its node id, not by a path on the agent', () => {
    const skipped = sampleTest('t/a.py::test_1', 'skipped', '/home/ci/project/t/a.py:7: Skipped: no database');
    expect(pageData(sampleReport([skipped]), NO_PLACES).texts).toEqual(['t/a.py:7: no database']);
  });

  test('are one JSON element in the page that no text can end', async () => {
    const html = await reportHtml(sampleReport([sampleTest('a.py::t[</script><script>x]', 'failed', '<!--<script>')]), NO_PLACES);
    expect(html.match(/<\/script/g)).toHaveLength(2);
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html.slice(html.indexOf('<script type='), html.indexOf('</script>'))).not.toContain('<!--');
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org\/)/);
  });
});

describe('finding rows', () => {
  const read = model(shop);
  const { find } = createFinder(read);
  const names = (query: Partial<typeof everything>) => Array.from(find({ ...everything, ...query }), (row) => nodeidOf(read, row));

  test('lists failures first, and keeps the report’s order among equals', () => {
    const failed = shop.tests.filter(({ outcome }) => outcome === 'failed').map(({ nodeid }) => nodeid);
    expect(failed.length).toBeGreaterThan(1);
    expect(names({}).slice(0, failed.length)).toEqual(failed);
  });

  test('matches every word in names, tracebacks and output, ignoring case', () => {
    const red = shop.tests.filter(({ outcome }) => outcome === 'failed' || outcome === 'error').map(({ nodeid }) => nodeid);
    const flaky = shop.tests.filter(({ flaky: each }) => each).map(({ nodeid }) => nodeid);
    expect(names({ words: 'SHOP.PRICING 119.69', order: 'by file' }).toSorted()).toEqual([...red, ...flaky].toSorted());
    expect(names({ words: 'nowhere' })).toEqual([]);
  });

  test('sorts by duration, by start and by file', () => {
    const bySeconds = [...shop.tests, ...shop.notRun.map((each) => ({ ...each, seconds: each.predictedSeconds }))].toSorted(
      (left, right) => right.seconds - left.seconds,
    );
    expect(names({ order: 'slowest first' })[0]).toBe(bySeconds[0]?.nodeid);
    const starts = Array.from(
      find({ ...everything, order: 'by start' }),
      (row) => read.attempts.startedAt[read.firstAttempt[row] ?? 0] ?? 0,
    );
    const tested = starts.slice(0, shop.tests.length);
    expect(tested).toEqual(tested.toSorted((left, right) => left - right));
    expect(slowestFiles(read)[0]?.ms).toBe(Math.max(...slowestFiles(read).map(({ ms }) => ms)));
  });
});

describe('the timeline', () => {
  test('has a lane for each xdist worker, with its attempts ordered by start', () => {
    const { lanes, attempts, marks, endMs } = timelineOf(model(shop));
    expect(lanes.map(({ agent, worker }) => `${agent} ${worker}`)).toEqual([
      'runner-1 gw0',
      'runner-1 gw1',
      'runner-1 gw2',
      'runner-2 gw0',
      'runner-2 gw1',
      'runner-2 gw2',
    ]);
    for (const lane of lanes) {
      const starts = Array.from(lane.attempts, (attempt) => attempts.startedAt[attempt] ?? 0);
      expect(starts).toEqual(starts.toSorted((left, right) => left - right));
    }
    expect(lanes.reduce((sum, lane) => sum + lane.attempts.length, 0)).toBe(attempts.count);
    expect(marks).toEqual([
      { at: expect.any(Number), name: 'report', kind: 'end' },
      { at: 5000, name: 'deadline', kind: 'deadline' },
      { at: 4000, name: 'drain', kind: 'drain' },
    ]);
    expect(endMs).toBe(5000);
    const busyMs = lanes.reduce((sum, lane) => sum + lane.busyMs, 0);
    expect(utilisation(timelineOf(model(shop)), 100).reduce((sum, busy) => sum + busy, 0) * (endMs / 100)).toBeCloseTo(busyMs, 3);
  });

  test('corrects times of an agent with a wrong clock, and omits attempts without a duration', () => {
    const fine = sampleTest('a.py::test_1', 'passed');
    const [attempt] = fine.attempts;
    if (attempt === undefined) throw new Error('a sample has an attempt');
    const early = { ...fine, attempts: [{ ...attempt, agent: agentId('a2'), startedAt: '2026-01-01T03:04:05.000Z' }] };
    const later = { ...fine, attempts: [{ ...attempt, agent: agentId('a2'), startedAt: '2026-01-01T03:04:06.000Z' }] };
    const never = {
      ...fine,
      nodeid: nodeId('a.py::test_2'),
      outcome: 'error' as const,
      attempts: [{ ...attempt, seconds: 0, outcome: 'error' as const }],
    };
    const { lanes, attempts } = timelineOf(model(sampleReport([fine, early, later, never])));
    expect(lanes.map((lane) => Array.from(lane.attempts, (each) => attempts.startedAt[each]))).toEqual([[0], [0, 1000]]);
  });
});

test.each([
  [0, '0 ms'],
  [0.4, '0.4 ms'],
  [340, '340 ms'],
  [1250, '1.25 s'],
  [12_300, '12.3 s'],
  [245_000, '4 min 05 s'],
  [7_500_000, '2 h 05 min'],
])('formats a duration of %d ms as %s', (ms, text) => expect(duration(ms)).toBe(text));

test.each([
  [12_250, 1, '0:12.250'],
  [59_996, 100, '1:00.0'],
  [245_000, 5000, '4:05'],
  [3_845_000, 60_000, '1:04:05'],
])('formats the instant %d at steps of %d ms as %s', (ms, step, text) => expect(instant(ms, step)).toBe(text));

test('formats sizes in the unit that fits', () =>
  expect([bytes(12), bytes(2048), bytes(300 * 2 ** 20)]).toEqual(['12 B', '2.0 KiB', '300 MiB']));
