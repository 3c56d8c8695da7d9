// Compares the tests that a fed session finds, and the files it cannot collect, with plain pytest.

import { describe, expect, test } from 'vitest';
import { bothWays, openFed } from './compare.ts';
import { makeSuite, selectors } from './suite.ts';

const PASS = 'def test_it(): pass\n';

interface Case {
  readonly files: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** The expected numbers of outcomes and uncollected files, so that two empty results do not count as equal. */
  readonly tests: number;
  readonly uncollected?: number;
}

const selection = {
  'test_a.py':
    'import pytest\ndef test_quick(): pass\n@pytest.mark.slow\ndef test_slow(): pass\nclass TestC:\n    def test_quick(self): assert 0\n',
  'sub/test_b.py': 'import pytest\npytestmark = pytest.mark.slow\ndef test_b(): pass\ndef test_quick(): pass\n',
  'skip/test_c.py': PASS,
  'pytest.ini': '[pytest]\nmarkers = slow\n',
};

const nested = {
  'conftest.py':
    'import pytest\ndef pytest_generate_tests(metafunc):\n    if "n" in metafunc.fixturenames: metafunc.parametrize("n", [1, 2])\n@pytest.fixture\ndef name(): return "root"\n',
  'a/conftest.py':
    'import pytest\ndef pytest_generate_tests(metafunc):\n    if "m" in metafunc.fixturenames: metafunc.parametrize("m", ["x", "y"])\ndef pytest_collection_modifyitems(items):\n    for item in items:\n        if item.path.parent.name == "b": item.add_marker(pytest.mark.xfail(strict=True))\n    items[:] = [item for item in items if "dropped" not in item.name]\n@pytest.fixture\ndef name(): return "a"\n',
  'a/b/conftest.py': 'import pytest\n@pytest.fixture\ndef name(name): return name + "b"\n',
  'a/test_a.py': 'def test_name(name, n, m): assert name == "a"\ndef test_dropped(): assert 0\n',
  'a/b/test_b.py': 'def test_name(name): assert name == "not ab"\ndef test_strict(name): assert name == "ab"\n',
  'c/test_c.py': 'def test_name(name, n): assert name == "root"\n',
};

const conftests = Object.fromEntries(
  ['one', 'two', 'three/deep'].flatMap((directory) => [
    [`${directory}/conftest.py`, `import pytest\n@pytest.fixture\ndef where(): return "${directory}"\n`],
    [`${directory}/test_${directory.replace('/', '_')}.py`, `def test_where(where): assert where == "${directory}"\n`],
  ]),
);

const broken = {
  'test_import.py': 'import nothing_of_that_name\n',
  'test_syntax.py': 'def test_(:\n',
  'test_raises.py': 'def test_never(): pass\nraise ValueError("at import")\n',
  'test_skips.py': 'import pytest\npytest.skip("not here", allow_module_level=True)\n',
  'test_needs.py': 'import pytest\npytest.importorskip("nothing_of_that_name")\n',
  'test_none.py': 'VALUE = 1\n',
  'test_fixture.py': 'def test_unknown(nothing_of_that_name): pass\n',
  'test_twice.py': 'import pytest\n@pytest.mark.parametrize("x", [1])\n@pytest.mark.parametrize("x", [2])\ndef test_x(x): pass\n',
  'bad/conftest.py': 'raise RuntimeError("conftest broke")\n',
  'bad/test_b.py': PASS,
  'bad/deep/test_d.py': PASS,
  'worse/__init__.py': 'raise RuntimeError("package broke")\n',
  'worse/test_w.py': PASS,
  'test_fine.py': PASS,
};

const namespaces = {
  'src/space/one/mod.py': 'VALUE = 1\n',
  'src/space/two/mod.py': 'VALUE = 2\n',
  'tests/space/one/test_mod.py': 'from space.one.mod import VALUE\ndef test_value(): assert VALUE == 1\n',
  'tests/space/two/test_other.py': 'from space.two.mod import VALUE\ndef test_value(): assert VALUE == 2\n',
  'pytest.ini': '[pytest]\npythonpath = src\nconsider_namespace_packages = true\n',
};

const helpers = {
  'a/helper.py': 'NAME = "a"\n',
  'a/test_one.py': 'from helper import NAME\ndef test_name(): assert NAME == "a"\n',
  'b/__init__.py': '',
  'b/c/__init__.py': '',
  'b/c/test_two.py': 'import b.c\ndef test_package(): assert __name__.endswith("b.c.test_two")\n',
};

const cases: Readonly<Record<string, Case>> = {
  'a keyword': { files: selection, args: ['-k', 'quick'], tests: 3 },
  'a mark': { files: selection, args: ['-m', 'not slow'], tests: 3 },
  '--deselect, --ignore and --ignore-glob': {
    files: selection,
    args: ['--deselect', 'test_a.py::TestC', '--ignore', 'skip', '--ignore-glob', '*/test_b*'],
    tests: 2,
  },
  'node ids, classes and directories as arguments': {
    files: selection,
    args: ['test_a.py::TestC', 'test_a.py::test_slow', 'sub'],
    tests: 4,
  },
  'collect_ignore, collect_ignore_glob and a hook that ignores': {
    files: {
      ...selection,
      'conftest.py':
        'collect_ignore = ["skip"]\ndef pytest_ignore_collect(collection_path):\n    if collection_path.name == "test_hooked.py": return True\n',
      'sub/conftest.py': 'collect_ignore_glob = ["test_g*.py"]\n',
      'sub/test_glob.py': PASS,
      'sub/test_hooked.py': PASS,
    },
    tests: 5,
  },
  'norecursedirs, python_files, python_classes and python_functions': {
    files: {
      'pytest.ini': '[pytest]\nnorecursedirs = skip\npython_files = check_*.py\npython_classes = Check\npython_functions = check\n',
      'check_a.py': 'def check_one(): pass\ndef test_two(): pass\nclass CheckC:\n    def check_three(self): pass\n',
      'test_a.py': PASS,
      'skip/check_b.py': 'def check_b(): pass\n',
    },
    tests: 2,
  },
  'a file of another name that is named, and one that is found beside it': {
    files: { 'odd.py': 'def test_odd(): a = 1; assert a == 2\n', 'sub/other.py': PASS, 'sub/test_t.py': PASS },
    args: ['odd.py', 'sub'],
    tests: 2,
  },
  'hooks and fixtures of nested conftests': { files: nested, tests: 8 },
  'conftests of several arguments': { files: conftests, args: ['one', 'two', 'three/deep'], tests: 3 },
  'conftests of directories that were no arguments': { files: conftests, tests: 3 },
  'files that cannot be collected, that skip themselves and that are empty': { files: broken, tests: 4, uncollected: 6 },
  'nothing at all': { files: { 'test_none.py': '' }, tests: 0 },
  'testpaths of the ini': { files: { ...selection, 'pytest.ini': '[pytest]\ntestpaths = sub\nmarkers = slow\n' }, tests: 2 },
  'a start below the rootdir': { files: selection, cwd: 'sub', tests: 2 },
  'a start beside the rootdir': {
    files: { ...selection, 'elsewhere/note.txt': '' },
    cwd: 'elsewhere',
    args: ['--rootdir', '..', '-c', '../pytest.ini', '..'],
    tests: 6,
  },
  'a conftest above the rootdir': {
    files: {
      'conftest.py': 'import pytest\n@pytest.fixture\ndef above(): return 1\n',
      'project/pytest.ini': '[pytest]\n',
      'project/sub/test_s.py': 'def test_above(above): assert above == 1\n',
      'project/test_t.py': 'def test_above(above): assert above == 1\n',
    },
    cwd: 'project',
    tests: 2,
  },
  'a conftest above the rootdir, let in by --confcutdir': {
    files: {
      'conftest.py': 'import pytest\n@pytest.fixture\ndef above(): return 1\n',
      'project/pytest.ini': '[pytest]\n',
      'project/test_t.py': 'def test_above(above): assert above == 1\n',
    },
    cwd: 'project',
    args: ['--confcutdir', '..'],
    tests: 1,
  },
  'prepend import mode with helpers and packages': { files: helpers, tests: 2 },
  'append import mode': { files: helpers, args: ['--import-mode=append'], tests: 2 },
  'importlib import mode': { files: helpers, args: ['--import-mode=importlib'], tests: 1, uncollected: 1 },
  'equal basenames in importlib mode': {
    files: { 'a/test_same.py': 'def test_a(): pass\n', 'b/test_same.py': 'def test_b(): pass\n' },
    args: ['--import-mode=importlib'],
    tests: 2,
  },
  'equal basenames in packages': {
    files: { 'a/__init__.py': '', 'a/test_same.py': 'def test_a(): pass\n', 'b/__init__.py': '', 'b/test_same.py': 'def test_b(): pass\n' },
    tests: 2,
  },
  'namespace packages': { files: namespaces, tests: 2 },
  'namespace packages in importlib mode': { files: namespaces, args: ['--import-mode=importlib'], tests: 2 },
  'warnings that are errors': {
    files: {
      'pytest.ini': '[pytest]\nfilterwarnings = error\n',
      'test_w.py': 'import warnings\ndef test_warns(): warnings.warn("w")\ndef test_fine(): pass\n',
      'test_i.py': 'import warnings\nwarnings.warn("at import")\ndef test_i(): pass\n',
      'test_k.py': 'class TestK:\n    def __init__(self): pass\n    def test_k(self): pass\n',
    },
    tests: 2,
    uncollected: 2,
  },
  'doctests of modules and of text files': {
    files: {
      'mod.py': '"""\n>>> 1 + 1\n2\n"""\ndef f():\n    """\n    >>> 1 + 1\n    3\n    """\n',
      'docs/guide.txt': '>>> 2 + 2\n4\n',
      'docs/bad.txt': '>>> 2 + 2\n5\n',
      'docs/plain.txt': 'nothing to run\n',
      'docs/conftest.py': 'import pytest\n@pytest.fixture(autouse=True)\ndef add(doctest_namespace): doctest_namespace["x"] = 1\n',
      'docs/names.rst': '>>> x\n1\n',
    },
    args: ['--doctest-modules', '--doctest-glob=*.txt', '--doctest-glob=*.rst'],
    tests: 5,
  },
  'items of a plugin of the suite': {
    files: {
      'conftest.py': `
import pytest
def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".check": return Checks.from_parent(parent, path=file_path)
class Checks(pytest.File):
    def collect(self):
        for line in self.path.read_text().split(): yield Check.from_parent(self, name=line)
class Check(pytest.Item):
    def runtest(self): assert self.name == "good"
    def reportinfo(self): return self.path, None, self.name
`,
      'sub/all.check': 'good bad\n',
      'test_t.py': PASS,
    },
    tests: 3,
  },
};

describe('a fed session collects and runs the tests of plain pytest', () => {
  test.each(Object.entries(cases))('%s', async (_name, { files, args, cwd, tests, uncollected = 0 }) => {
    await using suite = await makeSuite(files);
    const { plain, streamed, ran } = await bothWays(suite, args ?? [], cwd === undefined ? {} : { cwd });
    expect(streamed).toEqual(plain);
    expect([Object.keys(plain.outcomes).length, plain.uncollected.length]).toEqual([tests, uncollected]);
    expect(new Set(ran.map(({ ending }) => ending.kind))).toEqual(new Set(ran.length === 0 ? [] : ['finished']));
  });
});

test('reports a file as not collected, with the reason, when a hook raises a usage error for it', async () => {
  const refuses =
    'import pytest\ndef pytest_collection_modifyitems(items):\n    if "bad" in items[0].nodeid: raise pytest.UsageError("no owner of test_bad.py")\n';
  await using suite = await makeSuite({ 'conftest.py': refuses, 'test_bad.py': PASS, 'test_good.py': PASS });
  await using session = await openFed(suite);
  const bad = await session.run(selectors('test_bad.py'));
  expect(bad.events).toEqual([
    expect.objectContaining({
      kind: 'collect-failed',
      errors: [{ nodeid: 'test_bad.py', message: 'usage error: no owner of test_bad.py' }],
    }),
  ]);
  expect((await session.run(selectors('test_good.py'))).outcomes).toEqual({ 'test_good.py::test_it': 'passed' });
});
