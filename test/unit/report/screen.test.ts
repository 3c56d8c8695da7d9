// The live screen of a run on terminals of every size.

import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { createLiveScreen } from '../../../coordinator/reporters/progress/live-screen.ts';
import type { AgentStatus, RunStatus } from '../../../coordinator/reporters/progress/run-status.ts';
import { screenLines } from '../../../coordinator/reporters/progress/screen.ts';
import { statusWords } from '../../../coordinator/reporters/progress/status-text.ts';
import { paintFor, plainPaint } from '../../../coordinator/reporters/text/colors.ts';
import { agentId } from '../../../shared/domain/ids.ts';
import { systemClock } from '../../../shared/system/clock.ts';

const agentOf = (name: string, workers: number, test = 'tests/test_big.py::test_long', seconds = 12): AgentStatus => ({
  id: agentId(name),
  host: 'box',
  workers,
  lanes: Array.from({ length: workers }, (_, index) => ({ worker: `gw${index}`, nodeid: test, seconds: index === 0 ? seconds : 0.2 })),
});
const standing: RunStatus = {
  tally: { outcomes: { passed: 807, failed: 2, error: 0, skipped: 3, xfailed: 0, xpassed: 0 }, done: 812, flaky: 1 },
  tests: 1204,
  collectErrors: 0,
  lateErrors: 0,
  howFar: { filesDone: 40, files: 81, share: 0.67, isAllCollected: true },
  elapsedSeconds: 41.7,
  deadlineSeconds: 120,
  secondsLeft: 19.2,
  lateSeconds: 0,
  phase: 'running',
  agents: [agentOf('a1', 2), agentOf('a2', 2, 'tests/test_x.py::test_b[1]', 0.3)],
};
const linesOf = (given: RunStatus, width: number, height: number): readonly string[] =>
  screenLines(given, { width, height, paint: plainPaint });

test('80 columns show progress, failures, the time, the slowest test, and the test of every xdist worker', () => {
  expect(linesOf(standing, 80, 24)).toEqual([
    `${'█'.repeat(26)}${'░'.repeat(14)}  67 %  812/1204 tests  40/81 files`,
    '2 failed, 1 flaky, 807 passed, 3 skipped',
    '41 s of 2 min, done in about 20 s',
    'slowest now: 12 s tests/test_big.py::test_long (a1 gw0)',
    'a1 on box: 2 workers',
    '  gw0 12 s  tests/test_big.py::test_long',
    '  gw1       tests/test_big.py::test_long',
    'a2 on box: 2 workers',
    '  gw0       tests/test_x.py::test_b[1]',
    '  gw1       tests/test_x.py::test_b[1]',
  ]);
});

test('40 columns keep the start and the end of long lines', () => {
  const name = 'tests/integration/payments/test_refunds.py::TestRefund::test_partial_refund';
  const lines = linesOf({ ...standing, agents: [agentOf('a1', 1, name)] }, 40, 24);
  expect(lines[0]).toBe('67 %  812/1204 tests  40/81 files');
  expect(lines.at(-1)).toBe('  gw0 12 s  tests/i…test_partial_refund');
  for (const line of lines) expect(stringWidth(line)).toBeLessThan(40);
});

test('200 columns show every line in full', () => {
  const name = `tests/test_x.py::test_${'long_'.repeat(20)}name`;
  expect(linesOf({ ...standing, agents: [agentOf('a1', 1, name)] }, 200, 50)).toContain(`  gw0 12 s  ${name}`);
});

test('a low screen shows one line for each agent, and counts the agents that do not fit', () => {
  const many = (count: number): RunStatus => ({
    ...standing,
    agents: Array.from({ length: count }, (_, index) => agentOf(`a${index + 1}`, 4)),
  });
  const lines = linesOf(many(10), 80, 24);
  expect(lines).toHaveLength(14);
  expect(lines.at(-1)).toBe('a10 4 of 4 workers busy  12 s tests/test_big.py::test_long');
  expect(linesOf(many(23), 80, 24).at(-1)).toBe('and 12 more agents: 48 of 48 workers busy');
  expect(linesOf(many(23), 80, 24)).toHaveLength(16);
  expect(linesOf(many(23), 80, 7)).toHaveLength(4);
});

test('shows the first workers of an agent with more workers than fit, in numeric order', () => {
  const lines = linesOf({ ...standing, agents: [agentOf('a1', 64)] }, 80, 24);
  expect(lines).toHaveLength(16);
  expect(lines[14]).toMatch(/^ {2}gw9 /);
  expect(lines.at(-1)).toBe('  and 54 more workers, 54 busy');
});

test('the line with the time also shows the end of a run, an interrupt, missing agents and a missed deadline', () => {
  const timeOf = (changes: Partial<RunStatus>): string | undefined => linesOf({ ...standing, ...changes }, 80, 24)[2];
  expect(timeOf({ phase: 'ending' })).toBe('41 s of 2 min, waiting for the last teardowns');
  expect(timeOf({ phase: 'stopping' })).toBe('41 s of 2 min, stopping');
  expect(timeOf({ phase: 'collecting' })).toBe('41 s of 2 min, collecting the whole suite');
  expect(timeOf({ agents: [] })).toBe('41 s of 2 min, waiting for an agent');
  expect(timeOf({ lateSeconds: 65, deadlineSeconds: 3700 })).toBe(
    '41 s of 1 h 1 min, done in about 20 s, misses the deadline by 1 min 5 s',
  );
  expect(timeOf({ deadlineSeconds: null, secondsLeft: null })).toBe('41 s');
  expect(timeOf({ deadlineSeconds: null, secondsLeft: 0 })).toMatch(/^41 s, running tests\/test_big\.py::test\S* for \d+ (s|min)/);
  const waiting = { id: agentId('a1'), host: 'h', workers: 1, lanes: [{ worker: 'gw0', nodeid: null, seconds: 9 }] };
  expect(timeOf({ deadlineSeconds: null, secondsLeft: 0, agents: [waiting] })).toBe('41 s, later than expected');
});

test('the status line of a log shows the same facts', () => {
  const howFar = { ...standing.howFar, isAllCollected: false };
  expect(statusWords({ ...standing, howFar, tests: 0, tally: { ...standing.tally, done: 0 }, phase: 'collecting' })).toMatch(
    /^no tests yet, 40\/81 files, .* collecting the whole suite$/,
  );
  expect(statusWords({ ...standing, howFar })).toMatch(/^812 tests, 40\/81 files, /);
  expect(statusWords(standing)).toBe('812/1204 tests, 40/81 files, 2 failed, 1 flaky, 2 agents, 41 s of 2 min, done in about 20 s');
});

test('colours do not change the text', () => {
  const colored = screenLines(standing, { width: 80, height: 24, paint: paintFor(true) });
  expect(colored.join('')).toContain('\u001b[');
  expect(colored.map(stripVTControlCharacters)).toEqual(linesOf(standing, 80, 24));
});

test('for all test names, lines fit the terminal and have no control characters', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 120 }),
    fc.string({ unit: fc.constantFrom('試', '験', '👩‍👩‍👧', 'é', '\u001b[2J', '\t', '\n', 'ﷺ', 'ा', 'x'), maxLength: 60 }),
  );
  const size = fc.record({ width: fc.integer({ min: 1, max: 220 }), height: fc.integer({ min: 1, max: 60 }), color: fc.boolean() });
  const agents = fc.array(fc.record({ workers: fc.integer({ min: 0, max: 9 }), name, seconds: fc.nat(99_999) }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(size, agents, ({ width, height, color }, drawn) => {
      const given = { ...standing, agents: drawn.map((each) => agentOf(each.name, each.workers, each.name, each.seconds)) };
      const lines = screenLines(given, { width, height, paint: paintFor(color) }).map((line) => line.replace(/\u001b\[\d+m/g, ''));
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.length).toBeLessThanOrEqual(Math.max(1, height - 1));
      for (const line of lines) {
        expect(stringWidth(line)).toBeLessThanOrEqual(Math.max(1, width - 1));
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }
    }),
    // The two libraries that cut and measure lines disagree on the width of this letter.
    { examples: [[{ width: 3, height: 8, color: false }, [{ workers: 1, name: '𑪄'.repeat(9), seconds: 5 }]]] },
  );
});

test('permanent lines break between words, and names stay whole', () => {
  const out = Object.assign(new PassThrough(), { columns: 30, rows: 10, isTTY: true });
  const screen = createLiveScreen(out, plainPaint, systemClock);
  screen.print(['Lost agent a2; re-queued its unfinished tests.', 'FAILED tests/integration/test_refunds.py::test_f (a1)'], null);
  screen.end();
  expect(stripVTControlCharacters(String(out.read())).trim().split('\n')).toEqual([
    'Lost agent a2; re-queued its',
    'unfinished tests.',
    'FAILED',
    'tests/integration/test_refunds.py::test_f',
    '(a1)',
  ]);
});
