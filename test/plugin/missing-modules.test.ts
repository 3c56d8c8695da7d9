// A test that fails in a worker which collects by file, and passes beside modules that other test files load.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeSuite, type OpenSuite, openSuite, type RunOptions, selectors } from './suite.ts';

const PACK = { 'pytest.ini': '[pytest]\npythonpath = .\nmarkers = no_speculation\n', 'pack/__init__.py': '', 'pack/part.py': '' };
const NEEDS = 'def test_needs(): import pack; assert pack.part\n';
const ONCE = 'import pytest\n@pytest.mark.no_speculation\ndef test_once(): pass\n';
/** The part of pytest-cov that matters: the name of its plugin. */
const COVERAGE = 'def pytest_configure(config): config.pluginmanager.register(object(), "_cov")\n';
const WHY = 'test_a.py::test_needs passes only beside modules that other test files load (pack.part)';

/** Each test notes its name and process. */
const NOTING = `
import os, pytest
@pytest.fixture(autouse=True)
def note(request):
    with open("ran.txt", "a") as file: file.write(f"{request.node.name} {os.getpid()}\\n")
`;

const proving: RunOptions = { numprocesses: '1', proves: true, modules: ['pack', 'pack.part'] };

const found = ({ inseparable, needsModules }: OpenSuite): unknown => ({ inseparable, needsModules });

describe('a test that needs modules of other test files', () => {
  test('passes in another worker, which loads them and runs its file from the beginning', async () => {
    await using suite = await makeSuite({
      ...PACK,
      'conftest.py': NOTING,
      'test_0.py': 'def test_other(): pass\n',
      'test_a.py': `def test_before(): pass\n${NEEDS}def test_after(): pass\n`,
      'test_b.py': 'def test_b(): import pack; assert pack.part\n',
    });
    await using session = await openSuite(suite, proving);
    const { ending, outcomes, results } = await session.run(selectors('test_0.py', 'test_a.py', 'test_b.py'));
    expect([ending, results.length, new Set(Object.values(outcomes))]).toEqual([{ kind: 'finished' }, 5, new Set(['passed'])]);
    expect(found(session)).toEqual({ inseparable: [], needsModules: [WHY] });
    const lines = (await readFile(join(suite.path, 'ran.txt'), 'utf8')).trim().split('\n');
    const names = Map.groupBy(lines, (line) => line.split(' ')[1]);
    expect([...names.values()].map((ran) => ran.map((line) => line.split(' ')[0]))).toEqual([
      ['test_other', 'test_before', 'test_needs', 'test_needs'],
      ['test_before', 'test_needs', 'test_after', 'test_b'],
    ]);
  });

  test.each<[string, Readonly<Record<string, string>>, RunOptions]>([
    ['a test of its file must not run twice', { 'test_a.py': `${ONCE}${NEEDS}` }, {}],
    ["reports also reach pytest's main process", {}, { relay: 'always' }],
    ['pytest-cov measures', { 'conftest.py': COVERAGE }, {}],
    ['pytest stops after a failure', {}, { pytestArgs: ['-x'] }],
    ['pytest has no workers', {}, { numprocesses: '0' }],
  ])('fails, and the files count as inseparable, where %s', async (_where, files, options) => {
    await using suite = await makeSuite({ ...PACK, 'test_a.py': NEEDS, ...files });
    await using session = await openSuite(suite, { ...proving, ...options });
    const { outcomes } = await session.run(selectors('test_a.py'));
    expect(outcomes).toMatchObject({ 'test_a.py::test_needs': 'failed' });
    expect(found(session)).toEqual({ inseparable: [WHY], needsModules: [] });
  });
});

test('a test that fails with the modules too is reported once, as failed', async () => {
  await using suite = await makeSuite({ ...PACK, 'test_a.py': 'def test_fails(): assert 0\ndef test_after(): pass\n' });
  await using session = await openSuite(suite, proving);
  const { ending, results } = await session.run(selectors('test_a.py'));
  expect([ending.kind, results.map(({ outcome }) => outcome)]).toEqual(['finished', ['failed', 'passed']]);
  expect(found(session)).toEqual({ inseparable: [], needsModules: [] });
});

test('a test that fails only the first time that a process runs it fails', async () => {
  const first = 'RAN = []\ndef test_first():\n    RAN.append(1)\n    assert len(RAN) > 1\n';
  await using suite = await makeSuite({ ...PACK, 'test_a.py': first });
  await using session = await openSuite(suite, proving);
  const { ending, outcomes } = await session.run(selectors('test_a.py'));
  expect([ending.kind, outcomes]).toEqual(['finished', { 'test_a.py::test_first': 'failed' }]);
});

test('the files count as inseparable when a test passes before the modules are loaded and fails after', async () => {
  const without = 'import sys\ndef test_without(): assert "pack.part" not in sys.modules\n';
  await using suite = await makeSuite({ ...PACK, 'test_a.py': without + NEEDS });
  await using session = await openSuite(suite, proving);
  await session.run(selectors('test_a.py'));
  expect(session.inseparable).toEqual(['test_a.py::test_without passes, and fails beside modules that other test files load']);
});
