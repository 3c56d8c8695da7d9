// Tests that fail in a worker which collects by file, and may need the modules that other test files load.

import { describe, expect, test } from 'vitest';
import { makeSuite, openSuite, type RunOptions, selectors } from './suite.ts';

const NEEDS = 'def test_needs():\n    import sys\n    assert "helper" in sys.modules\n';
const USES = 'import helper\ndef test_uses(): pass\n';

const proving: RunOptions = { numprocesses: '1', proves: true, modules: ['helper'] };

const FOUND = 'tests/test_a.py::test_needs passes only beside modules that other test files load (helper)';

test.each([{ numprocesses: '1' }, { numprocesses: '0' }])(
  'reports a test that fails twice and then passes beside the modules (-n $numprocesses)',
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

test('reports a test that fails only if it loads a module itself', async () => {
  const first = 'import sys\ndef test_first():\n    is_loaded = "helper" in sys.modules\n    import helper\n    assert is_loaded\n';
  await using suite = await makeSuite({ 'tests/helper.py': '', 'tests/test_a.py': first, 'tests/test_b.py': USES });
  await using session = await openSuite(suite, proving);
  await session.run(selectors('tests/test_a.py'));
  expect(session.inseparable).toEqual(['tests/test_a.py::test_first passes only if modules are loaded before it (helper)']);
});

test('examines up to three failed tests of a task', async () => {
  const fails = (count: number): string => Array.from({ length: count }, (_, index) => `def test_${index}(): assert 0\n`).join('');
  for (const [count, found] of [
    [2, [FOUND]],
    [3, []],
  ] as const) {
    await using suite = await makeSuite({ 'tests/helper.py': '', 'tests/test_a.py': fails(count) + NEEDS });
    await using session = await openSuite(suite, proving);
    await session.run(selectors('tests/test_a.py'));
    expect(session.inseparable).toEqual(found);
  }
});

test.each<[string, string]>([
  ['fails beside the modules too', 'def test_fails(): assert 0\n'],
  ['passes in its second try, without the modules', 'tries = []\ndef test_fails():\n    tries.append(1)\n    assert len(tries) > 1\n'],
])('does not report a test that %s', async (_what, test_a) => {
  await using suite = await makeSuite({ 'pytest.ini': '[pytest]\npythonpath = .\n', 'helper.py': '', 'test_a.py': test_a });
  await using session = await openSuite(suite, proving);
  const { outcomes } = await session.run(selectors('test_a.py'));
  expect(outcomes).toEqual({ 'test_a.py::test_fails': 'failed' });
  expect(session.inseparable).toEqual([]);
});

test('a worker that loaded the modules runs no other test: one that needs them could pass although no test file loads them any more', async () => {
  const fails = `${NEEDS}    assert 0\n`;
  await using suite = await makeSuite({
    'pytest.ini': '[pytest]\npythonpath = .\n',
    'helper.py': '',
    'test_a.py': fails,
    'test_b.py': NEEDS,
  });
  await using session = await openSuite(suite, proving);
  const outcomes = [await session.run(selectors('test_a.py')), await session.run(selectors('test_b.py'))].map((ran) => ran.outcomes);
  expect(outcomes).toEqual([{ 'test_a.py::test_needs': 'failed' }, { 'test_b.py::test_needs': 'failed' }]);
});

test('workers that begin after three checks without a finding check no failure', async () => {
  const files = Object.fromEntries([1, 2, 3].map((index) => [`test_${index}.py`, 'def test_fails(): assert 0\n']));
  await using suite = await makeSuite({ 'pytest.ini': '[pytest]\npythonpath = .\n', 'helper.py': '', ...files, 'test_4.py': NEEDS });
  await using session = await openSuite(suite, proving);
  for (const file of [...Object.keys(files), 'test_4.py']) await session.run(selectors(file));
  expect(session.inseparable).toEqual([]);
});

describe('a failure stays as it was reported', () => {
  /** Every worker that takes over has a failure too, and more workers than one attempt may lose. */
  const FAILS =
    'def test_fails(): assert 0, "the reason"\ndef test_2(): assert 0\ndef test_3(): assert 0\ndef test_4(): assert 0\ndef test_after(): pass\n';
  /** Runs `body` in its second or third try. */
  const again = (at: 2 | 3, body: string): string =>
    `import os, sys, time\ntries = []\ndef test_fails():\n    tries.append(1)\n    if len(tries) == ${at}: ${body}\n    assert 0, "the reason"\ndef test_after(): pass\n`;

  test.each<[string, Readonly<Record<string, string>>]>([
    ['the import of the modules takes longer than --test-timeout', { 'helper.py': 'import time; time.sleep(3)\n', 'test_a.py': FAILS }],
    ['the import of the modules kills the process', { 'helper.py': 'import os; os._exit(1)\n', 'test_a.py': FAILS }],
    ['the second try kills the process', { 'helper.py': '', 'test_a.py': again(2, 'os._exit(1)') }],
    ['the second try hangs', { 'helper.py': '', 'test_a.py': again(2, 'time.sleep(600)') }],
    ['the third try, beside the modules, kills the process', { 'helper.py': '', 'test_a.py': again(3, 'os._exit(1)') }],
    ['the third try hangs', { 'helper.py': '', 'test_a.py': again(3, 'time.sleep(600)') }],
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
    // The agent reports no start of the other tries.
    expect(events.filter(({ kind }) => kind === 'test-started').length).toBe(results.length);
    expect(session.inseparable).toEqual([]);
  });
});
