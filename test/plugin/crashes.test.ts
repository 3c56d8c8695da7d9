// Crashes of an xdist worker, a session or the agent, and early ends of a run: the right test is blamed, and no other result is lost.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { collectModes } from '../../shared/domain/suite/suite-list.ts';
import { eventually, isRunning } from '../support/eventually.ts';
import { testPython } from '../support/python.ts';
import { feed, merged, openFed } from './compare.ts';
import { makeSuite, type Ran, selectors } from './suite.ts';

test('blames only the test that kills its worker, and runs the rest of its file in another worker', async () => {
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

test('blames a file that kills its worker on import once, and loses no other result', async () => {
  await using suite = await makeSuite({ 'test_i.py': 'import os\nos._exit(3)\n', 'test_o.py': 'def test_o(): pass\n' });
  const ran = await feed(suite, ['test_i.py', 'test_o.py']);
  expect(ran[0]?.events).toMatchObject([
    {
      kind: 'collect-failed',
      file: 'test_i.py',
      errors: [{ nodeid: 'test_i.py', message: expect.stringContaining('exited with code 3') }],
    },
  ]);
  expect(merged(ran)).toEqual({ 'test_o.py::test_o': 'passed' });
});

test('replaces an idle worker that is killed', async () => {
  await using suite = await makeSuite({
    'test_p.py': 'import os\ndef test_p():\n    with open("pid.txt", "w") as out: out.write(str(os.getpid()))\n',
    'test_o.py': 'def test_o(): pass\n',
  });
  await using session = await openFed(suite);
  await session.run(selectors('test_p.py'));
  process.kill(Number(await readFile(join(suite.path, 'pid.txt'), 'utf8')), 'SIGKILL');
  const ran = await session.run(selectors('test_o.py'));
  expect(ran.outcomes).toEqual({ 'test_o.py::test_o': 'passed' });
});

test('replaces a session whose main process is killed for the next attempt', async () => {
  await using suite = await makeSuite({
    'test_p.py': 'import os, signal\ndef test_p(): os.kill(os.getpgrp(), signal.SIGKILL)\ndef test_q():\n    import time; time.sleep(5)\n',
    'test_o.py': 'def test_o(): pass\n',
  });
  await using session = await openFed(suite);
  expect((await session.run(selectors('test_p.py'))).ending.kind).toBe('crashed');
  expect((await session.run(selectors('test_o.py'))).outcomes).toEqual({ 'test_o.py::test_o': 'passed' });
});

test('an interrupted attempt keeps its results, and the session runs the next attempt', async () => {
  await using suite = await makeSuite({
    'test_l.py': 'import time\ndef test_1(): pass\ndef test_2(): time.sleep(60)\ndef test_3(): pass\n',
    'test_o.py': 'def test_o(): pass\n',
  });
  await using session = await openFed(suite);
  const isSecond = (event: Ran['events'][number]): boolean => event.kind === 'test-started' && event.nodeid.endsWith('test_2');
  const ran = await session.run(selectors('test_l.py'), isSecond);
  expect(ran.ending).toEqual({ kind: 'interrupted', by: 'deadline' });
  expect(ran.outcomes).toEqual({ 'test_l.py::test_1': 'passed' });
  expect((await session.run(selectors('test_o.py'))).outcomes).toEqual({ 'test_o.py::test_o': 'passed' });
});

test('reports an error of a hook at its test or file, and keeps all other results', async () => {
  await using suite = await makeSuite({
    'a/conftest.py':
      'def pytest_runtest_logstart(nodeid):\n    if "test_2" in nodeid: raise RuntimeError("hook broke at test")\ndef pytest_collection_modifyitems(items):\n    if any(item.name == "test_c" for item in items): raise RuntimeError("hook broke at file")\n',
    'a/test_k.py': 'def test_1(): pass\ndef test_2(): pass\ndef test_3(): pass\n',
    'a/test_c.py': 'def test_c(): pass\n',
    'a/test_s.py': 'import sys\nsys.exit(3)\n',
    'test_o.py': 'def test_o(): pass\n',
  });
  const ran = await feed(suite, ['a/test_k.py', 'a/test_c.py', 'a/test_s.py', 'test_o.py']);
  expect(merged(ran)).toEqual({
    'a/test_k.py::test_1': 'passed',
    'a/test_k.py::test_2': 'error',
    'a/test_k.py::test_3': 'passed',
    'test_o.py::test_o': 'passed',
  });
  expect(ran[0]?.results.find(({ outcome }) => outcome === 'error')?.message).toContain('hook broke at test');
  const failed = ran.flatMap(({ events }) => events.filter((event) => event.kind === 'collect-failed'));
  expect(failed).toMatchObject([
    { file: 'a/test_c.py', errors: [{ message: expect.stringContaining('hook broke at file') }] },
    { file: 'a/test_s.py', errors: [{ message: expect.stringContaining('SystemExit: 3') }] },
  ]);
  expect(ran.map(({ ending }) => ending.kind)).toEqual(['finished', 'finished', 'finished', 'finished']);
});

test('ends a forked child that returns into pytest, and loses no result of its parent', async () => {
  await using suite = await makeSuite({
    'test_f.py': `
import os, sys
def test_1():
    child = os.fork()
    if child == 0: sys.exit(0)
    os.waitpid(child, 0)
def test_2():
    child = os.fork()
    if child == 0: return
    os.waitpid(child, 0)
    with open("log.txt", "a") as log: log.write("two\\n")
def test_3():
    child = os.fork()
    if child == 0: os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    with open("log.txt", "a") as log: log.write("three\\n")
`,
    'test_o.py': 'def test_o(): pass\n',
  });
  const ran = await feed(suite, ['test_f.py', 'test_o.py']);
  expect(ran.map(({ ending }) => ending.kind)).toEqual(['finished', 'finished']);
  expect([...new Set(Object.values(merged(ran))), Object.keys(merged(ran)).length]).toEqual(['passed', 4]);
  expect(await readFile(join(suite.path, 'log.txt'), 'utf8')).toBe('two\nthree\n');
});

test('blames a hanging test that is killed from outside, and runs the rest of its file', async () => {
  await using suite = await makeSuite({
    'test_h.py':
      'import os, time\ndef test_1(): pass\ndef test_2():\n    with open("pid.txt", "w") as out: out.write(str(os.getpid()))\n    time.sleep(600)\ndef test_3(): pass\n',
  });
  await using session = await openFed(suite);
  const running = session.run(selectors('test_h.py'));
  const pid = async (): Promise<string> => await readFile(join(suite.path, 'pid.txt'), 'utf8').catch(() => '');
  await eventually('the test hangs', async () => (await pid()) !== '');
  process.kill(Number(await pid()), 'SIGKILL');
  const ran = await running;
  expect(ran.outcomes).toEqual({ 'test_h.py::test_1': 'passed', 'test_h.py::test_2': 'error', 'test_h.py::test_3': 'passed' });
  expect(ran.results[1]?.message).toContain('SIGKILL');
});

test.each([
  ['pytest.exit("enough", returncode=7)', 'enough'],
  ['raise KeyboardInterrupt', 'KeyboardInterrupt'],
])('%s in a test is an error of that test and ends the attempt', async (statement, reported) => {
  await using suite = await makeSuite({
    'test_e.py': `import pytest\ndef test_1(): pass\ndef test_2(): ${statement}\ndef test_3(): pass\n`,
  });
  const [ran] = await feed(suite, ['test_e.py']);
  expect(ran?.ending).toEqual({ kind: 'interrupted', by: 'pytest-exit' });
  expect(ran?.outcomes).toEqual({ 'test_e.py::test_1': 'passed', 'test_e.py::test_2': 'error' });
  expect(ran?.results[1]?.message).toContain(reported);
});

test.each([['-x'], ['--maxfail=1']])('%s stops in the middle of a file and keeps the results so far', async (option) => {
  await using suite = await makeSuite({ 'test_x.py': 'def test_1(): pass\ndef test_2(): assert 0\ndef test_3(): pass\n' });
  const [ran] = await feed(suite, ['test_x.py'], { pytestArgs: [option] });
  expect(ran?.ending).toEqual({ kind: 'interrupted', by: 'maxfail' });
  expect(ran?.outcomes).toEqual({ 'test_x.py::test_1': 'passed', 'test_x.py::test_2': 'failed' });
});

test('ends the session, and starts no more workers, when a conftest kills every worker at its start', async () => {
  await using suite = await makeSuite({
    'conftest.py': 'import os\nif "PYTEST_XDIST_WORKER" in os.environ: os._exit(9)\n',
    'test_o.py': 'def test_o(): pass\n',
  });
  await expect(openFed(suite)).rejects.toThrow(/crash at their start: it exited with code 9/);
});

test.each(collectModes)(
  'an xdist worker that dies at its start, and is not replaced, does not keep others from running tests (%s)',
  async (collect) => {
    await using suite = await makeSuite({
      // The other worker becomes ready only after the death is known.
      'conftest.py':
        'import os, time\nworker = os.environ.get("PYTEST_XDIST_WORKER")\nif worker == "gw0": os._exit(9)\nif worker == "gw1": time.sleep(2)\n',
      'test_o.py': 'def test_o(): pass\n',
    });
    const [ran] = await feed(suite, ['test_o.py'], { collect, numprocesses: '2', pytestArgs: ['--max-worker-restart=0'] });
    expect([ran?.ending.kind, ran?.outcomes]).toEqual(['finished', { 'test_o.py::test_o': 'passed' }]);
  },
);

test('tests wait for the replacement of a worker that died at its start', async () => {
  await using suite = await makeSuite({
    'conftest.py':
      'import os, time\nworker = os.environ.get("PYTEST_XDIST_WORKER")\nif worker == "gw0": os._exit(9)\nif worker == "gw2": time.sleep(1)\ndef pytest_sessionstart(session): open("started-%s" % worker, "w").close()\n',
    'test_o.py': 'import os\ndef test_o(): assert os.path.exists("started-gw1") and os.path.exists("started-gw2")\n',
  });
  const [ran] = await feed(suite, ['test_o.py'], { numprocesses: '2' });
  expect(ran?.outcomes).toEqual({ 'test_o.py::test_o': 'passed' });
});

const DIFFERENT_EACH_TIME = `
import os, time, pytest
@pytest.mark.parametrize("x", [str(number) for number in range(3)] if "PYTEST_XDIST_WORKER" not in os.environ else [os.environ["PYTEST_XDIST_WORKER"], "all"])
def test_set(x): pass
def test_die(): os._exit(3)
`;

test.each(['1', '2'])('-n %s: replaces a session that has lost all workers with the first list of tests', async (numprocesses) => {
  await using suite = await makeSuite({ 'test_a.py': DIFFERENT_EACH_TIME, 'test_b.py': 'import time\ndef test_b(): time.sleep(0.5)\n' });
  await using session = await openFed(suite, { collect: 'suite', numprocesses });
  const [died, left] = await Promise.all([
    session.run(selectors('test_a.py::test_set[all]', 'test_a.py::test_die', 'test_b.py')),
    session.run(selectors('test_b.py')),
  ]);
  expect(died.outcomes).toEqual({ 'test_a.py::test_set[all]': 'passed', 'test_a.py::test_die': 'error' });
  expect(died.ending).toMatchObject({
    kind: 'crashed',
    detail: expect.stringContaining('no xdist worker is left that collected the same tests as the first one'),
  });
  expect([left.ending.kind, left.outcomes]).toEqual(['finished', { 'test_b.py::test_b': 'passed' }]);
});

test('ends the session of a killed agent and leaves no process', async () => {
  await using suite = await makeSuite({
    'test_l.py':
      'import os, time\ndef test_l():\n    with open("pids.txt", "w") as out: out.write("%d %d %d" % (os.getpid(), os.getppid(), os.getpgrp()))\n    time.sleep(600)\n',
  });
  const agent = execa(
    process.execPath,
    [fileURLToPath(new URL('./lone-agent.ts', import.meta.url)), suite.path, testPython(), 'test_l.py'],
    {
      reject: false,
    },
  );
  const pids = async (): Promise<readonly number[]> =>
    (await readFile(join(suite.path, 'pids.txt'), 'utf8').catch(() => ''))
      .split(' ')
      .filter((text) => text !== '')
      .map(Number);
  await eventually('the test runs', async () => (await pids()).length === 3);
  agent.kill('SIGKILL');
  await agent;
  const left = await pids();
  await eventually('pytest, its fork server and its xdist worker are gone', () => !left.some(isRunning));
});
