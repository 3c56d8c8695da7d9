// Other reasons not to collect a suite file by file: collectors, options, the order of tests, imports. Also the digests of files.

import { describe, expect, test } from 'vitest';
import { environmentPython } from '../support/python.ts';
import { type Proof, prove, type ToProve } from './prove.ts';

const only = async (suite: ToProve): Promise<Proof> => {
  const [proof] = await prove([suite]);
  if (proof === undefined) throw new Error('no proof');
  return proof;
};

test('finds no problem in a suite of plain files', async () => {
  const { problems, collectors, options, order, imports, refused } = await only({
    files: {
      'pkg/__init__.py': '',
      'pkg/test_a.py': 'class TestC:\n    def test_c(self): pass\n',
      'sub/test_c.py': 'def test_c(): pass\n',
    },
  });
  expect({ problems, collectors, options, order, imports, refused }).toEqual({
    problems: [],
    collectors: null,
    options: null,
    order: null,
    imports: [],
    refused: 0,
  });
});

const folder = `import pytest
def pytest_collect_directory(path, parent):
    if path.name == "cases": return Cases.from_parent(parent, path=path)
class Case(pytest.Item):
    def runtest(self): pass
class Spec(pytest.File):
    def collect(self): yield Case.from_parent(self, name="spec")
class Cases(pytest.Directory):
    def collect(self):
        yield Case.from_parent(self, name="one")
        for path in self.path.iterdir(): yield Spec.from_parent(self, path=path)
`;

const outside = `import pytest
class Check(pytest.Item):
    def runtest(self): pass
def pytest_collection_modifyitems(session, items): items.append(Check.from_parent(session, name="no-leftovers"))
`;

describe('collectors', () => {
  test.each([
    [
      'E3: a directory of a class of the suite',
      { 'conftest.py': folder, 'cases/a.spec': '' },
      /^cases is collected by the class Cases, not by pytest's own$/,
    ],
    ['E2: an item below the session', { 'conftest.py': outside }, /^.*no-leftovers belongs to no file$/],
  ])('%s', async (_name, files, why) => {
    const { collectors, problems } = await only({ files: files as Record<string, string> });
    expect(collectors).toMatch(why);
    expect(problems.length).toBeGreaterThan(0);
  });

  test('E8: counts two files of one name without packages as refused', async () => {
    const files = {
      'a/test_same.py': 'def test_1(): pass\n',
      'b/test_same.py': 'def test_2(): pass\n',
      'c/__init__.py': '',
      'c/test_same.py': '',
    };
    const [prepend, importlib] = await prove([{ files }, { files, args: ['--import-mode=importlib'] }]);
    expect([prepend?.refused, importlib?.refused]).toEqual([1, 0]);
  });
});

test('names the options and arguments that need the whole suite', async () => {
  const proofs = await prove([
    { files: {}, args: ['--keep-duplicates', 'test_a.py', 'test_a.py'] },
    { files: {}, args: ['test_a.py::test_slow'] },
    { files: {}, args: ['-p', 'cacheprovider', '--lf'] },
    { files: {}, args: ['-p', 'cacheprovider', '--ff'] },
  ]);
  expect(proofs.map(({ options }) => options)).toEqual([
    '--keep-duplicates needs the whole list of tests',
    'the argument test_a.py::test_slow names a single test',
    '--lf needs the whole list of tests',
    '--ff needs the whole list of tests',
  ]);
});

test('E9: names a dependency mark that refers to tests of other files', async () => {
  const files = {
    // Fakes pytest-dependency with its name and its mark.
    'conftest.py': 'def pytest_configure(config): config.pluginmanager.register(object(), "dependency")\n',
    'test_1.py': 'import pytest\n@pytest.mark.dependency(depends=["test_0.py::test_0"], scope="session")\ndef test_1(): pass\n',
    'test_2.py': 'import pytest\n@pytest.mark.dependency(depends=["test_0"])\ndef test_2(): pass\n',
  };
  expect((await only({ files })).options).toBe('test_1.py::test_1 depends on tests of other files');
  expect((await only({ files: { ...files, 'test_1.py': '' } })).options).toBeNull();
});

test('names a file whose tests are not together in the list', async () => {
  const files = {
    'conftest.py': 'import pytest\n@pytest.fixture(scope="session", params=[1, 2])\ndef db(request): return request.param\n',
    'test_c.py': 'def test_c(db): pass\n',
    'test_d.py': 'def test_d(db): pass\n',
  };
  expect((await only({ files, args: ['test_c.py', 'test_d.py'] })).order).toBe('the tests of test_c.py are not together in the list');
});

test.each([
  ['an environment variable', 'os.environ["MODE"] = "x"', 'test_c.py changes the environment variable MODE when it is imported'],
  ['sys.path', 'sys.path.insert(0, "/opt/elsewhere")', 'test_c.py changes sys.path when it is imported (/opt/elsewhere)'],
  ['a module', 'sys.modules["colorsys"] = os', 'test_c.py replaces or removes the module colorsys when it is imported'],
  ['the modules', 'sys.modules["colors"] = object()', 'test_c.py puts a module of its own into sys.modules as colors when it is imported'],
  ['the modules by a helper', 'import faking', 'test_c.py puts a module of its own into sys.modules as colors when it is imported'],
  ['warning filters', 'warnings.resetwarnings()', 'test_c.py removes warning filters when it is imported'],
  ['the working directory', 'os.chdir("sub")', /^test_c\.py changes the working directory when it is imported \(.*sub\)$/],
  ['the level of all logging', 'logging.disable(50)', 'test_c.py changes how all of logging works when it is imported'],
  ['the errors of logging', 'logging.raiseExceptions = False', 'test_c.py changes how all of logging works when it is imported'],
  ['the plugins', 'pytest_plugins = ["extra"]', 'test_c.py registers the plugin extra when it is imported'],
  ['a list of the workspace', 'base.NAMES.append("c")', 'test_c.py changes base.NAMES when it is imported'],
  ['a dict of the workspace', 'base.TABLE["c"] = 1', 'test_c.py changes base.TABLE when it is imported'],
  ['a list of a class of the workspace', 'base.Base.cases.append(1)', 'test_c.py changes base.Base.cases when it is imported'],
  ['a function of the workspace', 'base.helper = len', 'test_c.py changes base.helper when it is imported'],
  ['the subclasses of a class', 'class Derived(base.Base): pass', 'test_c.py derives a class from base.Base when it is imported'],
])('names an import that changes %s for other files', async (_name, statement, found) => {
  const files = {
    'conftest.py': 'import base, colorsys\n',
    'base.py': 'NAMES = []\nTABLE = {}\n_PRIVATE = []\ndef helper(): pass\nclass Base: cases = []\n',
    'extra.py': '',
    'faking.py': 'import os, sys\nsys.modules["colors"] = os\n',
    'sub/data.txt': '',
    'test_c.py': `import base, logging, os, sys, warnings\n${statement}\ndef test_c(): pass\n`,
    'test_d.py': 'import base\ndef test_d(): assert not base.Base.__subclasses__()\n',
  };
  expect((await only({ files })).imports).toEqual([typeof found === 'string' ? found : expect.stringMatching(found)]);
});

test('accepts an import that loads modules of the workspace, or changes only its own objects', async () => {
  const files = {
    'conftest.py': 'import base\n',
    'base.py': 'REGISTRY = []\n_CACHE = {}\nclass Base: pass\n',
    'more.py': 'import base\ndef extra(): pass\nbase.REGISTRY.append(extra)\nclass More(base.Base): pass\n',
    'test_c.py': 'import base, more\nOWN = []\nOWN.append(1)\nbase._CACHE[1] = 1\nclass Derived(base.Base): pass\ndef test_c(): pass\n',
  };
  expect((await only({ files })).imports).toEqual([]);
});

test('does not blame a file for a weak entry that leaves sys.modules during its import', async () => {
  const files = {
    'conftest.py': `
import sys, types, weakref
loader = types.ModuleType("templates")
sys.modules["templates"] = weakref.proxy(loader, lambda _: sys.modules.pop("templates", None))
`,
    'test_c.py': 'import conftest\ndel conftest.loader\ndef test_c(): pass\n',
  };
  expect((await only({ files })).imports).not.toContainEqual(expect.stringContaining('templates'));
});

describe('digests of files', () => {
  // Values that differ in each process, although the ids do not.
  const marked = `import pytest, random
class Thing: pass
values = [Thing(), {"b", "a", "c"}, lambda: 1, tuple({"a", 1, "b", "c"}), random.random()]
@pytest.mark.parametrize("x", values, ids=["a", "b", "c", "d", "e"])
@pytest.mark.skipif(False, reason="never")
def test_c(x): pass
def test_d(): pass
`;

  test('are the same in every process', async () => {
    const suite = { files: { 'test_c.py': marked } };
    const [one] = await prove([suite], undefined, { PYTHONHASHSEED: '1' });
    const [other] = await prove([suite], undefined, { PYTHONHASHSEED: '2' });
    expect(Object.keys(one?.digests ?? {})).toEqual(['test_a.py', 'test_b.py', 'test_c.py']);
    expect(other?.digests).toEqual(one?.digests);
    expect(other?.key).toEqual(one?.key);
  });

  test('differ by ids, repeated ids, marks, order and deselected tests', async () => {
    const hook = (body: string): ToProve => ({
      files: { 'conftest.py': `def pytest_collection_modifyitems(config, items):\n    ${body}\n` },
    });
    const proofs = await prove([
      hook('pass'),
      hook('items[0].add_marker("x")'),
      hook('items.insert(0, items[0])'),
      hook('items.reverse()'),
      hook('config.hook.pytest_deselected(items=[items.pop(0)])'),
      hook('items.pop(0)'),
      { files: { 'test_a.py': 'def test_other(): pass\n' } },
    ]);
    expect(new Set(proofs.map(({ digests }) => digests['test_a.py'])).size).toBe(proofs.length);
  });
});

test('the key of a census depends on conftests, plugins, ini and options, but not on test files or verbosity', async () => {
  const key = async (suite: ToProve): Promise<string> => (await only(suite)).key;
  const plain = await key({ files: {} });
  expect(await key({ files: { 'test_c.py': 'def test_c(): pass\n' }, args: ['test_a.py', '-v', '--maxfail=3', '--color=yes'] })).toBe(
    plain,
  );
  const others = [
    await key({ files: { 'conftest.py': '' } }),
    await key({ files: { 'conftest.py': '\n' } }),
    await key({ files: { 'pytest.ini': '[pytest]\nxfail_strict = true\n' } }),
    await key({ files: {}, args: ['-k', 'slow'] }),
    await key({ files: { 'extra.py': '' }, args: ['-p', 'extra'] }),
    await key({ files: { 'extra.py': '\n' }, args: ['-p', 'extra'] }),
  ];
  expect(new Set([plain, ...others]).size).toBe(7);
});

test('proves the hooks of installed plugins, except those that reorder the list', async () => {
  const [proof] = await prove([{ files: {} }], environmentPython('plugins'));
  expect(proof?.problems).toEqual([expect.stringMatching(/^pytest_collection_modifyitems in pytest_randomly\/__init__\.py:\d+ /)]);
  const [without] = await prove([{ files: {}, args: ['-p', 'no:randomly'] }], environmentPython('plugins'));
  expect(without?.problems).toEqual([]);
});

test('coverage still measures the lines of a hook that the proof observes', async () => {
  const hook =
    'def pytest_collection_modifyitems(items):\n    for item in items:\n        item.add_marker("seen")\n    items.sort(key=str)\n';
  const args = ['-p', 'no:randomly', '--cov=.', '--cov-fail-under=100'];
  const [proof] = await prove([{ files: { 'conftest.py': hook }, args, runs: true }], environmentPython('plugins'));
  expect(proof?.problems).toEqual(['pytest_collection_modifyitems in conftest.py:4 calls `items.sort`']);
  expect(proof?.status).toBe(0);
});
