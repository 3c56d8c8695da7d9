// Feeds one session file by file, including broken and missing files.

import { expect, test } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { nodeId, testFile } from '../../shared/domain/ids.ts';
import { collectModes } from '../../shared/domain/suite/suite-list.ts';
import { feed, merged, openFed } from './compare.ts';
import { makeSuite, openSuite, runAttempt, selectors } from './suite.ts';

test('reports a broken file, a broken conftest and a missing file, and runs the next file', async () => {
  await using suite = await makeSuite({
    'test_broken.py': 'import nothing_of_that_name\n',
    'bad/conftest.py': 'raise RuntimeError("conftest broke")\n',
    'bad/test_b.py': 'def test_b(): pass\n',
    'test_fine.py': 'def test_f(): pass\n',
  });
  const ran = await feed(suite, ['test_broken.py', 'bad/test_b.py', 'test_gone.py', 'test_fine.py']);
  const failures = ran.flatMap(({ events }) =>
    events.flatMap((event) => (event.kind === 'collect-failed' ? event.errors.map(({ message }) => `${event.file}: ${message}`) : [])),
  );
  expect(failures).toHaveLength(3);
  expect(failures[0]).toMatch(/^test_broken\.py: [\s\S]*nothing_of_that_name/);
  expect(failures[1]).toMatch(/^bad(\/test_b\.py)?: [\s\S]*conftest broke/);
  expect(failures[2]).toMatch(/^test_gone\.py: .*found no such file in /);
  expect(merged(ran)).toEqual({ 'test_fine.py::test_f': 'passed' });
  expect(ran.map(({ ending }) => ending.kind)).toEqual(['finished', 'finished', 'finished', 'finished']);
});

test('runs the same file again, as a whole or in parts', async () => {
  await using suite = await makeSuite({
    'test_s.py':
      'import pytest\nCALLS = []\n@pytest.fixture(scope="module")\ndef up():\n    CALLS.append(1)\n    return len(CALLS)\ndef test_a(up): assert up == 1\nclass TestC:\n    def test_b(self, up): pass\n    def test_d(self): pass\n',
  });
  await using session = await openFed(suite);
  expect((await session.run(selectors('test_s.py::TestC::test_b'))).outcomes).toEqual({ 'test_s.py::TestC::test_b': 'passed' });
  expect((await session.run(selectors('test_s.py::TestC'))).outcomes).toEqual({
    'test_s.py::TestC::test_b': 'passed',
    'test_s.py::TestC::test_d': 'passed',
  });
  expect(Object.keys((await session.run(selectors('test_s.py'))).outcomes)).toHaveLength(3);
});

test('the parts of a split file cover it completely, even if tests were added and removed since', async () => {
  await using suite = await makeSuite({ 'test_s.py': 'def test_a(): pass\ndef test_b(): pass\ndef test_new(): pass\n' });
  const file = testFile('test_s.py');
  const [gone, b] = [nodeId('test_s.py::test_gone'), nodeId('test_s.py::test_b')];
  for (const collect of collectModes) {
    await using session = await openSuite(suite, { collect, numprocesses: '1' });
    const rest = await session.run([{ kind: 'part', file, only: null, except: [gone, b] }]);
    const other = await session.run([{ kind: 'part', file, only: [gone, b], except: [] }]);
    expect(rest.outcomes).toEqual({ 'test_s.py::test_a': 'passed', 'test_s.py::test_new': 'passed' });
    expect(other.outcomes).toEqual({ 'test_s.py::test_b': 'passed' });
    expect([rest.ending.kind, other.ending.kind]).toEqual(['finished', 'finished']);
  }
});

test('a part that names classes runs all of their tests, new ones included', async () => {
  const text = 'def test_f(): pass\nclass TestA:\n    def test_1(self): pass\nclass TestB:\n    def test_1(self): pass\n';
  await using suite = await makeSuite({
    'test_s.py': `${text}    class TestIn:\n        def test_new(self): pass\nclass TestBB:\n    def test_1(self): pass\n`,
  });
  const file = testFile('test_s.py');
  const named = [nodeId('test_s.py::TestB'), nodeId('test_s.py::TestGone')];
  for (const collect of collectModes) {
    await using session = await openSuite(suite, { collect, numprocesses: '1' });
    const rest = await session.run([{ kind: 'part', file, only: null, except: named }]);
    const other = await session.run([{ kind: 'part', file, only: named, except: [] }]);
    expect(Object.keys(rest.outcomes)).toEqual(['test_s.py::test_f', 'test_s.py::TestA::test_1', 'test_s.py::TestBB::test_1']);
    expect(Object.keys(other.outcomes)).toEqual(['test_s.py::TestB::test_1', 'test_s.py::TestB::TestIn::test_new']);
    expect([rest.ending.kind, other.ending.kind]).toEqual(['finished', 'finished']);
  }
});

test('runs files in parallel on all workers, and tests see the ids of their workers', async () => {
  const wait = 'import os, time\ndef test_w(worker_id):\n    assert worker_id == os.environ["PYTEST_XDIST_WORKER"]\n    time.sleep(0.5)\n';
  await using suite = await makeSuite({ 'test_1.py': wait, 'test_2.py': wait });
  await using session = await openFed(suite, { numprocesses: '2' });
  const ran = await Promise.all([session.run(selectors('test_1.py')), session.run(selectors('test_2.py'))]);
  expect(new Set(ran.flatMap(({ results }) => results.map(({ worker }) => worker)))).toEqual(new Set(['gw0', 'gw1']));
  expect(new Set(Object.values(merged(ran)))).toEqual(new Set(['passed']));
});

test.each([
  [['--lf'], 'whole list'],
  [['--sw-skip'], 'whole list'],
])('with %s every worker collects the whole suite, and a message gives the reason', async (pytestArgs, why) => {
  await using suite = await makeSuite({ 'test_o.py': 'def test_o(): pass\n' });
  const lines: string[] = [];
  const engine = streamEngine((line) => lines.push(line));
  const ran = await runAttempt(suite, selectors('test_o.py'), { engine, pytestArgs });
  expect(ran.outcomes).toEqual({ 'test_o.py::test_o': 'passed' });
  expect(lines).toEqual([expect.stringContaining(why)]);
});

test('refuses --dist each with the reason', async () => {
  await using suite = await makeSuite({ 'test_o.py': 'def test_o(): pass\n' });
  await expect(openFed(suite, { pytestArgs: ['--dist', 'each'] })).rejects.toThrow('runs every test in every xdist worker');
});
