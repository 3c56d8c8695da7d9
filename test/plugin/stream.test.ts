// What can go wrong when one session is fed file by file.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processEngine } from '../../agent/process-engine.ts';
import { streamEngine } from '../../agent/stream-engine.ts';
import { nodeId, testFile } from '../../shared/ids.ts';
import { makeSuite, type OpenSuite, openSuite, type Ran, type RunOptions, type Suite, selectors } from './suite.ts';

const open = (suite: Suite, options: RunOptions = {}): Promise<OpenSuite> =>
  openSuite(suite, { engine: streamEngine(() => undefined), numprocesses: '1', ...options });

/** Each file as an attempt of its own, one after the other in one session. */
async function feed(suite: Suite, files: readonly string[], options: RunOptions = {}): Promise<Ran[]> {
  await using session = await open(suite, options);
  const ran: Ran[] = [];
  for (const file of files) ran.push(await session.run(selectors(file)));
  return ran;
}

const merged = (ran: readonly Ran[]): Record<string, string> => Object.assign({}, ...ran.map(({ outcomes }) => outcomes));

test('a file that cannot be imported, a broken conftest and a file that is not there are told, and the session goes on', async () => {
  await using suite = await makeSuite({
    'test_broken.py': 'import nothing_of_that_name\n',
    'bad/conftest.py': 'raise RuntimeError("conftest broke")\n',
    'bad/test_b.py': 'def test_b(): pass\n',
    'test_fine.py': 'def test_f(): pass\n',
  });
  const ran = await feed(suite, ['test_broken.py', 'bad/test_b.py', 'test_gone.py', 'test_fine.py']);
  const failures = ran.flatMap(({ events }) =>
    events.flatMap((event) => (event.kind === 'collect-failed' ? [`${event.file}: ${event.message}`] : [])),
  );
  expect(failures).toHaveLength(3);
  expect(failures[0]).toMatch(/^test_broken\.py: [\s\S]*nothing_of_that_name/);
  expect(failures[1]).toMatch(/^bad(\/test_b\.py)?: [\s\S]*conftest broke/);
  expect(failures[2]).toMatch(/^test_gone\.py: .*did not find/);
  expect(merged(ran)).toEqual({ 'test_fine.py::test_f': 'passed' });
  expect(ran.map(({ ending }) => ending.kind)).toEqual(['finished', 'finished', 'finished', 'finished']);
});

test('a test that kills its worker is blamed alone; the rest of its file runs in another worker', async () => {
  await using suite = await makeSuite({
    'test_k.py':
      'import os, signal\ndef test_1(): pass\ndef test_2(): os.kill(os.getpid(), signal.SIGSEGV)\ndef test_3(): pass\ndef test_4(): os._exit(7)\ndef test_5(): pass\n',
    'test_o.py': 'def test_o(): pass\n',
  });
  const ran = await feed(suite, ['test_k.py', 'test_o.py']);
  expect(merged(ran)).toEqual({
    'test_k.py::test_1': 'passed',
    'test_k.py::test_2': 'error',
    'test_k.py::test_3': 'passed',
    'test_k.py::test_4': 'error',
    'test_k.py::test_5': 'passed',
    'test_o.py::test_o': 'passed',
  });
  expect(ran[0]?.results.find(({ nodeid }) => nodeid.endsWith('test_2'))?.message).toMatch(
    /crashed while running test_k\.py::test_2.*SIGSEGV/,
  );
  expect(ran.map(({ ending }) => ending.kind)).toEqual(['finished', 'finished']);
});

test('a file that kills its worker while it is imported is blamed, once, and nothing else is lost', async () => {
  await using suite = await makeSuite({ 'test_i.py': 'import os\nos._exit(3)\n', 'test_o.py': 'def test_o(): pass\n' });
  const ran = await feed(suite, ['test_i.py', 'test_o.py']);
  expect(ran[0]?.events).toMatchObject([
    { kind: 'collect-failed', file: 'test_i.py', message: expect.stringContaining('exited with code 3') },
  ]);
  expect(merged(ran)).toEqual({ 'test_o.py::test_o': 'passed' });
});

test('a worker that is killed while it waits is replaced', async () => {
  await using suite = await makeSuite({
    'test_p.py': 'import os\ndef test_p():\n    with open("pid.txt", "w") as out: out.write(str(os.getpid()))\n',
    'test_o.py': 'def test_o(): pass\n',
  });
  await using session = await open(suite);
  await session.run(selectors('test_p.py'));
  process.kill(Number(await readFile(join(suite.path, 'pid.txt'), 'utf8')), 'SIGKILL');
  const ran = await session.run(selectors('test_o.py'));
  expect(ran.outcomes).toEqual({ 'test_o.py::test_o': 'passed' });
});

test('a session whose main process is killed is replaced for the next attempt', async () => {
  await using suite = await makeSuite({
    'test_p.py': 'import os, signal\ndef test_p(): os.kill(os.getppid(), signal.SIGKILL)\ndef test_q():\n    import time; time.sleep(5)\n',
    'test_o.py': 'def test_o(): pass\n',
  });
  await using session = await open(suite);
  expect((await session.run(selectors('test_p.py'))).ending.kind).toBe('crashed');
  expect((await session.run(selectors('test_o.py'))).outcomes).toEqual({ 'test_o.py::test_o': 'passed' });
});

test('the same file may be fed again, as a whole or in parts', async () => {
  await using suite = await makeSuite({
    'test_s.py':
      'import pytest\nCALLS = []\n@pytest.fixture(scope="module")\ndef up():\n    CALLS.append(1)\n    return len(CALLS)\ndef test_a(up): assert up == 1\nclass TestC:\n    def test_b(self, up): pass\n    def test_d(self): pass\n',
  });
  await using session = await open(suite);
  expect((await session.run(selectors('test_s.py::TestC::test_b'))).outcomes).toEqual({ 'test_s.py::TestC::test_b': 'passed' });
  expect((await session.run(selectors('test_s.py::TestC'))).outcomes).toEqual({
    'test_s.py::TestC::test_b': 'passed',
    'test_s.py::TestC::test_d': 'passed',
  });
  expect(Object.keys((await session.run(selectors('test_s.py'))).outcomes)).toHaveLength(3);
});

test('the parts of a file that was split are all of it, also when tests came and went since', async () => {
  await using suite = await makeSuite({ 'test_s.py': 'def test_a(): pass\ndef test_b(): pass\ndef test_new(): pass\n' });
  const file = testFile('test_s.py');
  const [gone, b] = [nodeId('test_s.py::test_gone'), nodeId('test_s.py::test_b')];
  for (const engine of [streamEngine(() => undefined), processEngine()]) {
    await using session = await openSuite(suite, { engine, numprocesses: '1' });
    const rest = await session.run([{ kind: 'part', file, only: null, except: [gone, b] }]);
    const other = await session.run([{ kind: 'part', file, only: [gone, b], except: [] }]);
    expect(rest.outcomes).toEqual({ 'test_s.py::test_a': 'passed', 'test_s.py::test_new': 'passed' });
    expect(other.outcomes).toEqual({ 'test_s.py::test_b': 'passed' });
    expect([rest.ending.kind, other.ending.kind]).toEqual(['finished', 'finished']);
  }
});

test('a part that is named by classes has all of their tests, new ones too', async () => {
  const text = 'def test_f(): pass\nclass TestA:\n    def test_1(self): pass\nclass TestB:\n    def test_1(self): pass\n';
  await using suite = await makeSuite({
    'test_s.py': `${text}    class TestIn:\n        def test_new(self): pass\nclass TestBB:\n    def test_1(self): pass\n`,
  });
  const file = testFile('test_s.py');
  const named = [nodeId('test_s.py::TestB'), nodeId('test_s.py::TestGone')];
  for (const engine of [streamEngine(() => undefined), processEngine()]) {
    await using session = await openSuite(suite, { engine, numprocesses: '1' });
    const rest = await session.run([{ kind: 'part', file, only: null, except: named }]);
    const other = await session.run([{ kind: 'part', file, only: named, except: [] }]);
    expect(Object.keys(rest.outcomes)).toEqual(['test_s.py::test_f', 'test_s.py::TestA::test_1', 'test_s.py::TestBB::test_1']);
    expect(Object.keys(other.outcomes)).toEqual(['test_s.py::TestB::test_1', 'test_s.py::TestB::TestIn::test_new']);
    expect([rest.ending.kind, other.ending.kind]).toEqual(['finished', 'finished']);
  }
});

test('files run side by side in as many workers as there are, with names that tests can see', async () => {
  const wait = 'import os, time\ndef test_w(worker_id):\n    assert worker_id == os.environ["PYTEST_XDIST_WORKER"]\n    time.sleep(0.5)\n';
  await using suite = await makeSuite({ 'test_1.py': wait, 'test_2.py': wait });
  await using session = await open(suite, { numprocesses: '2' });
  const ran = await Promise.all([session.run(selectors('test_1.py')), session.run(selectors('test_2.py'))]);
  expect(new Set(ran.flatMap(({ results }) => results.map(({ worker }) => worker)))).toEqual(new Set(['gw0', 'gw1']));
  expect(new Set(Object.values(merged(ran)))).toEqual(new Set(['passed']));
});

test('an interrupted attempt keeps what it has, ends soon, and the session goes on', async () => {
  await using suite = await makeSuite({
    'test_l.py': 'import time\ndef test_1(): pass\ndef test_2(): time.sleep(60)\ndef test_3(): pass\n',
    'test_o.py': 'def test_o(): pass\n',
  });
  await using session = await open(suite);
  const isSecond = (event: Ran['events'][number]): boolean => event.kind === 'test-started' && event.nodeid.endsWith('test_2');
  const ran = await session.run(selectors('test_l.py'), isSecond);
  expect(ran.ending).toEqual({ kind: 'interrupted', by: 'deadline' });
  expect(ran.outcomes).toEqual({ 'test_l.py::test_1': 'passed' });
  expect((await session.run(selectors('test_o.py'))).outcomes).toEqual({ 'test_o.py::test_o': 'passed' });
});

test.each([
  [['--lf'], 'whole list'],
  [['-n', '0'], 'without xdist'],
  [['--dist', 'each'], '--dist each'],
])('options %s cannot be fed, and it is said why', async (pytestArgs, why) => {
  await using suite = await makeSuite({ 'test_o.py': 'def test_o(): pass\n' });
  await expect(open(suite, { pytestArgs })).rejects.toThrow(why);
});
