// What can go wrong when one session is fed file by file, each against plain pytest.

import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { processEngine } from '../../agent/process-engine.ts';
import { streamEngine } from '../../agent/stream-engine.ts';
import { nodeId, testFile } from '../../shared/ids.ts';
import { testPython } from '../support/python.ts';
import {
  inJunitTerms,
  makeSuite,
  type OpenSuite,
  openSuite,
  plainPytest,
  type Ran,
  type RunOptions,
  type Suite,
  selectors,
} from './suite.ts';

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

const logged = `
import os, pytest
LOG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "log.txt")
def log(text):
    with open(LOG, "a") as out: out.write(text + "\\n")
@pytest.fixture(scope="session")
def in_session():
    log("session up"); yield; log("session down")
@pytest.fixture(scope="package")
def in_package(request):
    log("package up " + request.node.name); yield; log("package down")
@pytest.fixture(scope="module", autouse=True)
def in_module(request):
    log("module up " + request.node.name); yield; log("module down")
@pytest.fixture(scope="class")
def in_class():
    log("class up"); yield; log("class down")
@pytest.fixture
def in_function(in_session):
    log("function up"); yield; log("function down")
`;
const usesAll =
  'class TestX:\n    def test_a(self, in_package, in_class, in_function): pass\n    def test_b(self, in_class, in_function): pass\ndef test_c(in_package): pass\n';

test('fixtures of every scope are set up and torn down as in plain pytest', async () => {
  const files = ['a/test_1.py', 'a/test_2.py', 'b/c/test_3.py', 'b/test_4.py', 'test_5.py'];
  await using suite = await makeSuite({
    'conftest.py': logged,
    'a/__init__.py': '',
    'b/__init__.py': '',
    'b/c/__init__.py': '',
    ...Object.fromEntries(files.map((file) => [file, usesAll])),
  });
  const log = join(suite.path, 'log.txt');
  await promisify(execFile)(testPython(), ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', ...files], { cwd: suite.path });
  const plain = await readFile(log, 'utf8');
  await rm(log);
  const ran = await feed(suite, files);
  expect(ran.map(({ ending }) => ending.kind)).toEqual(files.map(() => 'finished'));
  expect(await readFile(log, 'utf8')).toBe(plain);
});

test('nested conftests, their hooks and their fixtures hold for the files below them only', async () => {
  const files = ['a/test_a.py', 'a/b/test_b.py', 'c/test_c.py', 'a/test_z.py'];
  await using suite = await makeSuite({
    'conftest.py': 'import pytest\n@pytest.fixture\ndef name(): return "root"\n',
    'a/conftest.py':
      'import pytest\n@pytest.fixture\ndef name(): return "a"\ndef pytest_collection_modifyitems(items):\n    for item in items:\n        if item.path.parent.name == "b": item.add_marker(pytest.mark.xfail(strict=True))\n',
    'a/b/conftest.py': 'import pytest\n@pytest.fixture\ndef name(name): return name + "b"\n',
    'a/test_a.py': 'def test_name(name): assert name == "a"\n',
    'a/b/test_b.py': 'def test_name(name): assert name == "not ab"\ndef test_strict(name): assert name == "ab"\n',
    'c/test_c.py': 'def test_name(name): assert name == "root"\n',
    'a/test_z.py': 'def test_name(name): assert name == "a"\n',
  });
  expect(inJunitTerms(merged(await feed(suite, files)))).toEqual(await plainPytest(suite));
});

test('unittest, doctest, classes, parameters and generated tests are what they are in plain pytest', async () => {
  await using suite = await makeSuite({
    'pytest.ini': '[pytest]\naddopts = --doctest-modules\n',
    'test_u.py':
      'import unittest\nclass TestU(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls): cls.x = 1\n    def test_x(self): self.assertEqual(self.x, 1)\n    def test_y(self): self.fail("no")\n    @unittest.skip("s")\n    def test_s(self): pass\n    @unittest.expectedFailure\n    def test_e(self): self.fail()\n',
    'test_d.py': '"""\n>>> 1 + 1\n2\n"""\ndef f():\n    """\n    >>> 1 + 1\n    3\n    """\n',
    'test_p.py':
      'import pytest\ndef pytest_generate_tests(metafunc):\n    if "g" in metafunc.fixturenames: metafunc.parametrize("g", ["a::b", "ü", "x y", ""])\ndef test_g(g): pass\n@pytest.mark.parametrize("n", range(3))\nclass TestN:\n    def test_n(self, n): assert n != 1\n',
  });
  const ran = await feed(suite, ['test_u.py', 'test_d.py', 'test_p.py']);
  expect(Object.values(merged(ran)).sort()).toEqual(Object.values(await plainPytest(suite)).sort());
  expect(ran.map(({ ending }) => ending.kind)).toEqual(['finished', 'finished', 'finished']);
});

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

test('a fixture of a package that fails in its teardown, after its last file, is told', async () => {
  await using suite = await makeSuite({
    'a/__init__.py': '',
    'a/conftest.py': 'import pytest\n@pytest.fixture(scope="package")\ndef up():\n    yield\n    raise RuntimeError("too late")\n',
    'a/test_a.py': 'def test_a(up): pass\n',
    'test_o.py': 'def test_o(): pass\n',
  });
  const ran = await feed(suite, ['a/test_a.py', 'test_o.py']);
  expect(merged(ran)).toEqual({ 'a/test_a.py::test_a': 'passed', 'test_o.py::test_o': 'passed' });
  const told = ran.flatMap(({ events }) => events.filter((event) => event.kind === 'collect-failed'));
  expect(told).toMatchObject([{ file: 'a/test_a.py', message: expect.stringContaining('too late') }]);
});

test.each([
  [['--lf'], 'whole list'],
  [['-n', '0'], 'without xdist'],
  [['--dist', 'each'], '--dist each'],
])('options %s cannot be fed, and it is said why', async (pytestArgs, why) => {
  await using suite = await makeSuite({ 'test_o.py': 'def test_o(): pass\n' });
  await expect(open(suite, { pytestArgs })).rejects.toThrow(why);
});
