// Agents that send more text than a report can hold.

import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { reduce } from '../../coordinator/core/state/reduce.ts';
import { openRun } from '../../coordinator/core/state/run-state.ts';
import { NO_PLACES } from '../../coordinator/report-places.ts';
import { resultFiles, resultPage } from '../../coordinator/reporters/files/report-files.ts';
import { finishAll } from '../../coordinator/reporters/reporter.ts';
import type { RunEvent } from '../../shared/domain/events.ts';
import { agentId } from '../../shared/domain/ids.ts';
import {
  a1,
  closedDone,
  collected,
  ended,
  enqueued,
  finished,
  joined,
  opened,
  reported,
  reportOf,
  shardOf,
  started,
} from '../unit/core/run-kit.ts';

const megabyte = 'x'.repeat(1_000_000);
/** What the wire allows for one result: a message, and captured output in sections. */
const sections = Array.from({ length: 4 }, () => ({ title: 'Captured stdout call', text: megabyte.slice(0, 200_000) }));

test('560 failures of 1 MB give a report, a JUnit file, a page and a verdict', { timeout: 240_000 }, async () => {
  const ids = Array.from({ length: 560 }, (_, index) => `test_a.py::test_${index}`);
  const state = openRun(opened([shardOf(1, ['test_a.py'])]));
  for (const event of [joined(a1), enqueued(1), started(a1, 1), reported(a1, 1, 1, collected('test_a.py', ids))]) reduce(state, event);
  for (const id of ids) reduce(state, reported(a1, 1, 1, finished(id, 'failed', { message: megabyte.slice(0, 200_000), sections })));
  for (const event of [ended(a1, 1), closedDone()]) reduce(state, event);
  const report = reportOf(state);
  expect(report).toMatchObject({ verdict: 'failed', exitCode: 1, totals: { failed: 560 } });
  expect(report.textsCut).toBeGreaterThan(400);
  const out = await mkdtemp(join(tmpdir(), 'shardline-test-texts-'));
  try {
    expect(await finishAll([resultFiles(out, NO_PLACES), resultPage(out, false)], report)).toMatchObject({ problems: [] });
    for (const name of ['report.json', 'junit.xml', 'report.html']) {
      const { size } = await stat(join(out, name));
      expect([name, size > 10_000, size < 400_000_000]).toEqual([name, true, true]);
    }
  } finally {
    await rm(out, { recursive: true });
  }
});

test('sections, warnings and errors of sessions have the same budget', () => {
  const state = openRun(opened([shardOf(1, ['test_a.py'])]));
  // A small budget, so that the test needs little memory.
  Object.assign(state.texts, { wholeChars: 1_000_000, shortChars: 300_000 });
  const text = (index: number): string => `${index}${megabyte.slice(0, 10_000)}`;
  for (let each = 0; each < 300; each += 1) {
    const agent = agentId(`a${each}`);
    const warning = { category: 'UserWarning', message: text(each), file: 'a.py', line: 1, count: 1 };
    const shown = { header: null, sections: [{ title: 'notes', text: text(each) }], warnings: [{ nodeid: null, warning }], deselected: [] };
    const events: readonly RunEvent[] = [
      joined(agent),
      { kind: 'session-shown', at: 2000, agent, shown },
      { kind: 'session-ended', at: 3000, agent, problem: text(each), acceptsNoTests: false },
    ];
    for (const event of events) reduce(state, event);
  }
  reduce(state, closedDone());
  const report = reportOf(state);
  expect(report.exitCode).not.toBe(0);
  expect([report.sessions.length, report.sessionErrors.length]).toEqual([300, 300]);
  const kept = [
    ...report.sessionErrors,
    ...report.warnings,
    ...report.sessions.flatMap((each) => each.sections.map((one) => ({ message: one.text }))),
  ];
  expect(kept.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThan(1_500_000);
  expect(report.textsCut).toBeGreaterThan(700);
});
