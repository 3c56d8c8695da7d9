// Tests that fail in a worker which collects by file, and may need the modules that other test files load.

import { describe, expect, test } from 'vitest';
import { makeSuite, openSuite, type RunOptions, selectors } from './suite.ts';

const NEEDS = 'def test_needs():\n    import sys\n    assert "helper" in sys.modules\n';
const USES = 'import helper\ndef test_uses(): pass\n';

const proving: RunOptions = { numprocesses: '1', proves: true, modules: ['helper'] };

const FOUND = 'tests/test_a.py::test_needs passes only beside modules that other test files load (helper)';

test.each([{ numprocesses: '1' }, { numprocesses: '0' }])(
  'reports a test that passes in its second try, beside the modules (-n $numprocesses)',
  async (workers) => {
    await using suite = await makeSuite({ 'tests/helper.py': '', 'tests/test_a.py': NEEDS, 'tests/test_b.py': USES });
    await using session = await openSuite(suite, { ...proving, ...workers });
    const { outcomes } = await session.run(selectors('tests/test_a.py'));
    expect(outcomes).toEqual({ 'tests/test_a.py::test_needs': 'failed' });
    expect(session.inseparable).toEqual([FOUND]);
  },
);

test('reports a test whose subtest needs the modules', async () => {
  const needs = 'import sys\ndef test_needs(subtests):\n    with subtests.test(): assert "helper" in sys.modules\n';
  await using suite = await makeSuite({ 'tests/helper.py': '', 'tests/test_a.py': needs, 'tests/test_b.py': USES });
  await using session = await openSuite(suite, proving);
  await session.run(selectors('tests/test_a.py'));
  expect(session.inseparable).toEqual([FOUND]);
});

test.each<[string, string]>([
  ['a test that fails beside the modules too', 'def test_fails(): assert 0\n'],
  ['a subtest that fails beside the modules too', 'def test_fails(subtests):\n    with subtests.test(): assert 0\n'],
])('does not report %s', async (_what, test_a) => {
  await using suite = await makeSuite({ 'pytest.ini': '[pytest]\npythonpath = .\n', 'helper.py': '', 'test_a.py': test_a });
  await using session = await openSuite(suite, proving);
  const { outcomes } = await session.run(selectors('test_a.py'));
  expect(outcomes).toEqual({ 'test_a.py::test_fails': 'failed' });
  expect(session.inseparable).toEqual([]);
});

describe('a failure stays as it was reported', () => {
  /** Every worker that takes over has a failure too, and more workers than one attempt may lose. */
  const FAILS =
    'def test_fails(): assert 0, "the reason"\ndef test_2(): assert 0\ndef test_3(): assert 0\ndef test_4(): assert 0\ndef test_after(): pass\n';
  /** Runs `body` in its second try. */
  const again = (body: string): string =>
    `import os, sys, time\ndef test_fails():\n    if "helper" in sys.modules: ${body}\n    assert 0, "the reason"\ndef test_after(): pass\n`;

  test.each<[string, Readonly<Record<string, string>>]>([
    ['the import of the modules takes longer than --test-timeout', { 'helper.py': 'import time; time.sleep(3)\n', 'test_a.py': FAILS }],
    ['the import of the modules kills the process', { 'helper.py': 'import os; os._exit(1)\n', 'test_a.py': FAILS }],
    ['the second try kills the process', { 'helper.py': '', 'test_a.py': again('os._exit(1)') }],
    ['the second try hangs', { 'helper.py': '', 'test_a.py': again('time.sleep(600)') }],
  ])('when %s', async (_when, files) => {
    await using suite = await makeSuite({ 'pytest.ini': '[pytest]\npythonpath = .\n', ...files });
    await using session = await openSuite(suite, { ...proving, testTimeoutSeconds: 1.5 });
    const { ending, events, results, outcomes } = await session.run(selectors('test_a.py'));
    const message = results.find(({ nodeid }) => nodeid === 'test_a.py::test_fails')?.message;
    expect([ending, message, outcomes]).toEqual([
      { kind: 'finished' },
      expect.stringContaining('AssertionError: the reason'),
      expect.objectContaining({ 'test_a.py::test_fails': 'failed', 'test_a.py::test_after': 'passed' }),
    ]);
    // The agent reports no start of the second try.
    expect(events.filter(({ kind }) => kind === 'test-started').length).toBe(results.length);
    expect(session.inseparable).toEqual([]);
  });
});
