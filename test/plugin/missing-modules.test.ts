// Tests that fail in a worker which collects by file, and may need the modules that other test files load.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { testFile } from '../../shared/domain/ids.ts';
import { makeSuite, openSuite, type RunOptions, selectors } from './suite.ts';

const NEEDS = 'def test_needs():\n    import sys\n    assert "helper" in sys.modules\n';
const USES = 'import helper\ndef test_uses(): pass\n';

const proving: RunOptions = { numprocesses: '1', proves: true, loads: [{ file: null, modules: ['helper'] }] };

const WHY = 'tests/test_a.py::test_needs passes only beside modules that other test files load (helper)';
const BESIDE_B = { why: WHY, file: 'tests/test_a.py', companions: ['tests/test_b.py'] };
const loadsOfB = [{ file: testFile('tests/test_b.py'), modules: ['helper'] }];

test.each([{ numprocesses: '1' }, { numprocesses: '0' }])(
  'reports a test that passes in its second try, beside what another test file imports (-n $numprocesses)',
  async (workers) => {
    await using suite = await makeSuite({ 'tests/helper.py': '', 'tests/test_a.py': NEEDS, 'tests/test_b.py': USES });
    await using session = await openSuite(suite, { ...proving, loads: loadsOfB, ...workers });
    const { outcomes } = await session.run(selectors('tests/test_a.py'));
    expect(outcomes).toEqual({ 'tests/test_a.py::test_needs': 'failed' });
    expect(session.inseparable).toEqual([BESIDE_B]);
  },
);

test('names no companions if a module that no test file loads helps too', async () => {
  await using suite = await makeSuite({ 'tests/helper.py': '', 'tests/other.py': '', 'tests/test_a.py': NEEDS, 'tests/test_b.py': USES });
  await using session = await openSuite(suite, { ...proving, loads: [...loadsOfB, { file: null, modules: ['other'] }] });
  await session.run(selectors('tests/test_a.py'));
  expect(session.inseparable).toEqual([
    {
      ...BESIDE_B,
      why: 'tests/test_a.py::test_needs passes only beside modules that other test files load (helper, other)',
      companions: [],
    },
  ]);
});

test('names no companions if the module is loaded by its name alone, as its file has changed since', async () => {
  await using suite = await makeSuite({ 'pytest.ini': '[pytest]\npythonpath = .\n', 'helper.py': '', 'tests/test_a.py': NEEDS });
  await using session = await openSuite(suite, proving);
  await session.run(selectors('tests/test_a.py'));
  expect(session.inseparable).toEqual([{ ...BESIDE_B, companions: [] }]);
});

test.each([{ numprocesses: '1' }, { numprocesses: '0' }])(
  'a worker that loaded modules by name for a failed test runs no other test, and another worker runs the rest (-n $numprocesses)',
  async (workers) => {
    await using suite = await makeSuite({
      'pytest.ini': '[pytest]\npythonpath = .\n',
      'helper.py': '',
      'tests/test_a.py': `def test_fails(): assert 0\n${NEEDS}\ndef test_after(): pass\n`,
    });
    await using session = await openSuite(suite, { ...proving, ...workers });
    const { ending, outcomes } = await session.run(selectors('tests/test_a.py'));
    // Beside the helper, test_needs would pass.
    expect([ending, outcomes]).toEqual([
      { kind: 'finished' },
      { 'tests/test_a.py::test_fails': 'failed', 'tests/test_a.py::test_needs': 'failed', 'tests/test_a.py::test_after': 'passed' },
    ]);
    expect(session.inseparable).toEqual([{ ...BESIDE_B, companions: [] }]);
  },
);

test('a worker that imported other test files for a failed test runs the rest of its file, which may need what its first tests did', async () => {
  const steps = 'done = []\ndef test_1(): done.append(1)\ndef test_fails(): assert 0\ndef test_2(): assert done\n';
  await using suite = await makeSuite({ 'tests/helper.py': '', 'tests/test_a.py': steps, 'tests/test_b.py': USES });
  await using session = await openSuite(suite, { ...proving, loads: loadsOfB });
  const { outcomes } = await session.run(selectors('tests/test_a.py'));
  expect(outcomes).toMatchObject({ 'tests/test_a.py::test_fails': 'failed', 'tests/test_a.py::test_2': 'passed' });
  expect(session.inseparable).toEqual([]);
});

test('a failed test that ends the session ends it, also when modules are loaded for it', async () => {
  const stops = 'def test_stops(request):\n    request.session.shouldstop = "enough"\n    assert 0\ndef test_after(): pass\n';
  await using suite = await makeSuite({ 'pytest.ini': '[pytest]\npythonpath = .\n', 'helper.py': '', 'tests/test_a.py': stops });
  await using session = await openSuite(suite, proving);
  const { ending, outcomes } = await session.run(selectors('tests/test_a.py'));
  expect([ending, outcomes]).toEqual([{ kind: 'interrupted', by: 'maxfail' }, { 'tests/test_a.py::test_stops': 'failed' }]);
});

test('an agent checks at most ten failures', async () => {
  const fails = Array.from({ length: 12 }, (_, index) => `def test_${index}(): assert 0\n`).join('');
  const marks = 'import pathlib\nwith pathlib.Path("imports.txt").open("a") as file: file.write("x")\n';
  await using suite = await makeSuite({ 'pytest.ini': '[pytest]\npythonpath = .\n', 'helper.py': marks, 'tests/test_a.py': fails });
  await using session = await openSuite(suite, proving);
  const { ending, results } = await session.run(selectors('tests/test_a.py'));
  expect([ending, results.length]).toEqual([{ kind: 'finished' }, 12]);
  expect(await readFile(join(suite.path, 'imports.txt'), 'utf8')).toBe('x'.repeat(10));
});

describe('companions', () => {
  const companions = ['tests/test_b.py'];
  const both = selectors('tests/test_a.py', 'tests/test_b.py');

  test('are imported before the first file, and collected later like any file', async () => {
    const uses = `import pytest\nimport helper\n\n\n@pytest.fixture(autouse=True)\ndef once(): helper.uses += 1\n\n\ndef test_uses(): assert helper.uses == 1\n`;
    await using suite = await makeSuite({ 'tests/helper.py': 'uses = 0\n', 'tests/test_a.py': NEEDS, 'tests/test_b.py': uses });
    await using session = await openSuite(suite, { ...proving, companions });
    const { outcomes } = await session.run(both);
    expect(outcomes).toEqual({ 'tests/test_a.py::test_needs': 'passed', 'tests/test_b.py::test_uses': 'passed' });
    expect(session.inseparable).toEqual([]);
  });

  test.each<[string, string]>([
    ['that cannot be imported', 'import helper\nassert 0\n'],
    ['that skip themselves', 'import helper, pytest\npytest.skip("not here", allow_module_level=True)\n'],
    ['that call sys.exit', 'import helper, sys\nsys.exit(3)\n'],
  ])('%s are reported, since their collection would import them again', async (_which, test_b) => {
    await using suite = await makeSuite({ 'tests/helper.py': '', 'tests/test_a.py': NEEDS, 'tests/test_b.py': test_b });
    await using session = await openSuite(suite, { ...proving, companions });
    expect((await session.run(selectors('tests/test_a.py'))).outcomes).toEqual({ 'tests/test_a.py::test_needs': 'passed' });
    expect(session.inseparable).toEqual([
      { why: 'tests/test_b.py, whose imports other test files need, cannot be imported before them', file: null, companions: [] },
    ]);
  });

  test('that change what other files see are reported', async () => {
    const changes = 'import os\nos.environ["LEFT"] = "here"\ndef test_b(): pass\n';
    await using suite = await makeSuite({ 'tests/test_a.py': 'def test_a(): pass\n', 'tests/test_b.py': changes });
    await using session = await openSuite(suite, { ...proving, companions });
    await session.run(selectors('tests/test_a.py'));
    expect(session.inseparable).toEqual([
      { why: 'tests/test_b.py changes the environment variable LEFT when it is imported', file: null, companions: [] },
    ]);
  });

  test('keep what the conftest beside them adds to sys.path', async () => {
    await using suite = await makeSuite({
      'pytest.ini': '[pytest]\n',
      'tests/c/conftest.py': 'import pathlib, sys\nsys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))\n',
      'tests/c/lib/own.py': '',
      'tests/c/lib/later.py': '',
      'tests/c/test_c.py': 'import own\ndef test_c(): pass\n',
      'tests/test_a.py': 'def test_a(): import later\n',
    });
    await using session = await openSuite(suite, { ...proving, companions: ['tests/c/test_c.py'] });
    const { outcomes } = await session.run(selectors('tests/test_a.py', 'tests/c/test_c.py'));
    expect(outcomes).toEqual({ 'tests/test_a.py::test_a': 'passed', 'tests/c/test_c.py::test_c': 'passed' });
    expect(session.inseparable).toEqual([]);
  });

  test('that kill their worker are left out by the next one', async () => {
    const kills = 'import os\nos._exit(7)\n';
    await using suite = await makeSuite({ 'tests/test_a.py': 'def test_a(): pass\n', 'tests/test_b.py': kills });
    await using session = await openSuite(suite, { ...proving, companions });
    expect((await session.run(selectors('tests/test_a.py'))).outcomes).toEqual({ 'tests/test_a.py::test_a': 'passed' });
  });
});

test('reports a test whose subtest needs the modules', async () => {
  const needs = 'import sys\ndef test_needs(subtests):\n    with subtests.test(): assert "helper" in sys.modules\n';
  await using suite = await makeSuite({ 'tests/helper.py': '', 'tests/test_a.py': needs, 'tests/test_b.py': USES });
  await using session = await openSuite(suite, { ...proving, loads: loadsOfB });
  await session.run(selectors('tests/test_a.py'));
  expect(session.inseparable).toEqual([BESIDE_B]);
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
