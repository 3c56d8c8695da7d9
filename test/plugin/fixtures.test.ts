// Fixtures of every scope in a fed session, and the fixtures that pytest, xdist and unittest provide.

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { countedByPlainPytest } from '../support/plain-pytest.ts';
import { testPython } from '../support/python.ts';
import { bothWays, stream } from './compare.ts';
import { makeSuite, openSuite, selectors } from './suite.ts';

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

test('sets up and tears down fixtures of every scope as plain pytest does', async () => {
  const files = ['a/test_1.py', 'a/test_2.py', 'b/c/test_3.py', 'b/test_4.py', 'test_5.py'];
  await using suite = await makeSuite({
    'conftest.py': logged,
    'a/__init__.py': '',
    'b/__init__.py': '',
    'b/c/__init__.py': '',
    ...Object.fromEntries(files.map((file) => [file, usesAll])),
  });
  const log = join(suite.path, 'log.txt');
  const plain = await countedByPlainPytest(testPython(), suite.path, files);
  const plainLog = await readFile(log, 'utf8');
  await rm(log);
  const { outcomes } = await stream(suite, files, { numprocesses: '1' });
  expect(outcomes).toEqual(plain.outcomes);
  expect(await readFile(log, 'utf8')).toBe(plainLog);
});

test('sets up package fixtures again when a package is re-entered, and keeps session fixtures', async () => {
  const files = ['a/test_1.py', 'test_5.py', 'a/test_2.py'];
  await using suite = await makeSuite({
    'conftest.py': logged,
    'a/__init__.py': '',
    'a/conftest.py':
      'import pytest\nfrom conftest import log\n@pytest.fixture(scope="package", autouse=True)\ndef of_a():\n    log("a up"); yield; log("a down")\n',
    ...Object.fromEntries(files.map((file) => [file, usesAll])),
  });
  {
    await using session = await openSuite(suite, { engine: streamEngine(() => undefined), numprocesses: '1' });
    await Promise.all(files.map((file) => session.run(selectors(file))));
  }
  const lines = (await readFile(join(suite.path, 'log.txt'), 'utf8')).split('\n');
  expect(lines.filter((line) => /^(session|a) /.test(line))).toEqual([
    ...['session up', 'a up', 'a down'],
    ...['a up', 'a down', 'session down'],
  ]);
});

const failsLate = (scope: string, how: string): Readonly<Record<string, string>> => ({
  'a/__init__.py': '',
  // A package fixture lives as long as the package that defines it.
  [scope === 'package' ? 'a/conftest.py' : 'conftest.py']:
    `import os, pytest\n@pytest.fixture(scope="${scope}")\ndef up():\n    yield\n    ${how}\n`,
  'a/test_a.py': 'def test_a(up): pass\n',
  'test_o.py': 'def test_o(): pass\n',
});

test.each([
  ['package', 'a/test_a.py'],
  ['session', 'test_o.py'],
])('a %s fixture that fails in its teardown is an error of the last test, as in plain pytest', async (scope, file) => {
  await using suite = await makeSuite(failsLate(scope, 'raise RuntimeError("too late")'));
  const { plain, streamed, ran } = await bothWays(suite, ['a', 'test_o.py'], { numprocesses: '1' });
  const failed = Object.entries(plain.outcomes).flatMap(([nodeid, outcome]) => (outcome === 'error' ? [nodeid.split('::')[0]] : []));
  expect(failed).toEqual([file]);
  expect(streamed).toEqual(plain);
  expect(JSON.stringify(ran.map(({ events }) => events))).toContain('too late');
});

test('reports a session fixture that fails after the last result as an error that names the last test', async () => {
  await using suite = await makeSuite({
    'conftest.py':
      'import pytest\n@pytest.fixture(scope="session", autouse=True)\ndef up():\n    yield\n    raise RuntimeError("too late")\n',
    'test_a.py': 'import time\ndef test_1(): pass\ndef test_2(): time.sleep(1)\n',
    'test_b.py': 'def test_b(): pass\n',
  });
  const session = await openSuite(suite, { numprocesses: '1' });
  const taken = new AbortController();
  // The worker already has the next test, and then loses it.
  const first = session.run(selectors('test_a.py'), (event) => {
    if (event.kind === 'test-started' && event.nodeid.endsWith('test_2')) taken.abort('superseded');
    return false;
  });
  const second = session.run(selectors('test_b.py'), undefined, 'primary', taken.signal);
  const [ran, lost] = await Promise.all([first, second]);
  await session[Symbol.asyncDispose]();
  expect(lost.ending.kind).toBe('interrupted');
  expect(ran.outcomes).toEqual({ 'test_a.py::test_1': 'passed', 'test_a.py::test_2': 'passed' });
  expect(ran.events.filter(({ kind }) => kind === 'collect-failed')).toMatchObject([
    {
      file: 'test_a.py',
      errors: [{ nodeid: 'test_a.py::test_2', message: expect.stringMatching(/^in a teardown after test_a\.py::test_2:[\s\S]*too late/) }],
    },
  ]);
});

test.each([
  ['package', 'a/test_a.py'],
  ['session', 'test_o.py'],
])('a %s fixture that kills its worker in its teardown is an error of the last test', async (scope, file) => {
  await using suite = await makeSuite(failsLate(scope, 'os._exit(3)'));
  const { outcomes, uncollected, ran } = await stream(suite, ['a', 'test_o.py'], { numprocesses: '1' });
  expect(uncollected).toEqual([]);
  expect(Object.entries(outcomes).map(([nodeid, outcome]) => [nodeid.split('::')[0], outcome])).toEqual(
    expect.arrayContaining([[file, 'error']]),
  );
  expect(Object.values(outcomes).sort()).toEqual(['error', 'passed']);
  expect(JSON.stringify(ran.map(({ events }) => events))).toContain('exited with code 3');
});

const cases: Readonly<Record<string, { files: Readonly<Record<string, string>>; args?: readonly string[]; tests: number }>> = {
  'teardown errors of functions, classes and modules': {
    files: {
      'conftest.py': ['function', 'class', 'module']
        .map(
          (scope) =>
            `import pytest\n@pytest.fixture(scope="${scope}")\ndef bad_${scope}():\n    yield\n    raise RuntimeError("${scope}")\n`,
        )
        .join(''),
      'test_f.py': 'def test_1(bad_function): pass\ndef test_2(bad_function): assert 0\ndef test_3(): pass\n',
      'test_c.py': 'class TestC:\n    def test_1(self, bad_class): pass\n    def test_2(self): pass\ndef test_3(): pass\n',
      'test_m.py': 'def test_1(bad_module): pass\ndef test_2(): pass\n',
      'test_n.py':
        'import pytest\ndef teardown_module(): raise RuntimeError("x")\n@pytest.mark.skip\ndef test_1(): pass\ndef test_2(): pass\n',
    },
    tests: 10,
  },
  'session fixtures with parameters, in several files and packages': {
    files: {
      'conftest.py':
        'import pytest\n@pytest.fixture(scope="session", params=["p", "q"])\ndef both(request): return request.param\n@pytest.fixture(scope="module", params=[1, 2])\ndef each(request, both): return (both, request.param)\n',
      'a/__init__.py': '',
      'a/test_a.py': 'def test_a(both): assert both == "p"\ndef test_each(each): pass\n',
      'test_b.py': 'def test_b(each): assert each != ("q", 2)\ndef test_c(both): pass\n',
    },
    tests: 12,
  },
  'fixtures that override each other, use each other and are asked for by name': {
    files: {
      'conftest.py':
        'import pytest\n@pytest.fixture(scope="session")\ndef base(): return ["root"]\n@pytest.fixture\ndef name(base): return base[0]\n@pytest.fixture(autouse=True)\ndef seen(request): request.node.seen = request.fixturenames\n',
      'a/conftest.py': 'import pytest\n@pytest.fixture\ndef name(name): return name + "/a"\n',
      'a/test_a.py':
        'import pytest\ndef test_a(name): assert name == "root/a"\nclass TestC:\n    @pytest.fixture\n    def name(self, name): return name + "/c"\n    def test_c(self, name, request): assert name == "root/a/c" == request.getfixturevalue("name")\n@pytest.mark.parametrize("name", ["given"])\ndef test_given(name): assert name == "given"\n@pytest.mark.parametrize("base", [["b"]], indirect=False)\ndef test_deep(name): assert name == "b/a"\n',
      'test_r.py': 'def test_r(name): assert name == "root"\ndef test_wrong(nothing_of_that_name): pass\n',
    },
    tests: 6,
  },
  "pytest's own fixtures": {
    files: {
      'test_p.py': `
import logging, os, sys, warnings
import pytest
def test_caplog(caplog):
    caplog.set_level(logging.INFO); logging.info("seen"); assert caplog.messages == ["seen"]
def test_capfd(capfd):
    os.write(1, b"out"); os.system("echo err >&2"); assert capfd.readouterr() == ("out", "err\\n")
def test_capsys(capsys): print("x"); assert capsys.readouterr().out == "x\\n"
def test_capsysbinary(capsysbinary): sys.stdout.buffer.write(b"\\xff"); assert capsysbinary.readouterr().out == b"\\xff"
def test_monkeypatch(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path); monkeypatch.setenv("A_NAME", "1"); assert os.environ["A_NAME"] == "1" and os.listdir() == []
def test_restored(): assert "A_NAME" not in os.environ and os.path.exists("test_p.py")
def test_tmp_path_factory(tmp_path_factory): assert tmp_path_factory.mktemp("t").is_dir()
def test_recwarn(recwarn): warnings.warn("w"); assert len(recwarn) == 1
def test_request(request): assert request.config.rootpath == request.path.parent and request.node.nodeid == "test_p.py::test_request"
def test_stdin():
    with pytest.raises(OSError): sys.stdin.read()
def test_properties(record_property, record_testsuite_property): record_property("a", 1)
def test_items(request): assert [item.name for item in request.session.items][-1] == "test_last" and request.session.testscollected >= 1
def test_argv(): assert os.path.basename(sys.argv[0]) != "launch.py" and "shardline_pytest" not in os.environ.get("PYTHONPATH", "")
def test_current(): assert os.environ["PYTEST_CURRENT_TEST"] == "test_p.py::test_current (call)"
def test_last(pytestconfig): assert pytestconfig.getoption("verbose") <= 0
`,
    },
    tests: 15,
  },
  'log files, live logs and captured logs': {
    files: {
      'pytest.ini': '[pytest]\nlog_file = all.log\nlog_file_level = INFO\nlog_level = INFO\nlog_cli = true\n',
      'test_l.py':
        'import logging\ndef test_1(): logging.info("one"); assert 0\ndef test_2(caplog): logging.info("two"); assert caplog.messages == ["two"]\n',
      'test_m.py': 'import logging\nlogging.warning("at import")\ndef test_3(): logging.info("three")\n',
    },
    tests: 3,
  },
  'unittest: subtests, async tests, module and class fixtures': {
    files: {
      'test_u.py': `
import unittest
CALLS = []
def setUpModule(): CALLS.append("module")
def tearDownModule(): CALLS.clear()
class Sub(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.x = 1
    def setUp(self): self.addCleanup(CALLS.append, "clean")
    def test_good(self):
        for i in range(3):
            with self.subTest(i=i): self.assertLess(i, 3)
    def test_bad(self):
        for i in range(3):
            with self.subTest(i=i): self.assertNotEqual(i, 1)
    def test_module(self): self.assertEqual((CALLS[0], self.x), ("module", 1))
    @unittest.skip("s")
    def test_skipped(self): pass
    @unittest.expectedFailure
    def test_expected(self): self.fail()
    @unittest.expectedFailure
    def test_unexpected(self): pass
class Async(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self): self.value = 1
    async def test_async(self): self.assertEqual(self.value, 1)
    async def test_async_bad(self): self.assertEqual(self.value, 2)
class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise RuntimeError("no class")
    def test_never(self): pass
class Skipped(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise unittest.SkipTest("none")
    def test_none(self): pass
class Left(unittest.TestCase):
    @classmethod
    def tearDownClass(cls): raise RuntimeError("left")
    def test_left(self): pass
`,
      'test_v.py':
        'import unittest\ndef setUpModule(): raise unittest.SkipTest("v")\nclass TestV(unittest.TestCase):\n    def test_v(self): pass\n',
      'test_w.py':
        'def setup_module(module): module.value = 1\ndef setup_function(function): function.ready = True\nclass TestW:\n    def setup_class(cls): cls.x = 1\n    def setup_method(self): self.y = 2\n    def test_w(self): assert (self.x, self.y) == (1, 2)\ndef test_v(): assert value == 1 and test_v.ready\n',
    },
    tests: 14,
  },
};

describe('in a fed session, as in plain pytest', () => {
  test.each(Object.entries(cases))('%s', async (_name, { files, args = [], tests }) => {
    await using suite = await makeSuite(files);
    const { plain, streamed } = await bothWays(suite, args);
    expect(streamed).toEqual(plain);
    expect([Object.keys(plain.outcomes).length, plain.uncollected]).toEqual([tests, []]);
  });
});

test('tests see the id of their xdist worker, as under plain xdist', async () => {
  const sees = `
import os
def test_names(worker_id, testrun_uid, request):
    assert worker_id == os.environ["PYTEST_XDIST_WORKER"] == request.config.workerinput["workerid"]
    assert worker_id in ("gw0", "gw1") and os.environ["PYTEST_XDIST_WORKER_COUNT"] == "2"
    assert testrun_uid == os.environ["PYTEST_XDIST_TESTRUNUID"]
    assert worker_id in str(request.getfixturevalue("tmp_path"))
`;
  await using suite = await makeSuite({ 'test_1.py': sees, 'test_2.py': sees });
  const { outcomes } = await stream(suite);
  expect(outcomes).toEqual({ 'test_1.py::test_names': 'passed', 'test_2.py::test_names': 'passed' });
});
